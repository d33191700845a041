"""Secret Manager, spoken to over a real gRPC connection to a server made of the package's own
message types.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import google_crc32c
import grpc
import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcAsyncIOTransport,
)
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    ListSecretVersionsRequest,
    ListSecretVersionsResponse,
    SecretPayload,
    SecretVersion,
)

from job.errors import BadSettings, MalformedAnswer, RemoteDown, RemoteRefused
from job.settings.load import load, load_kind
from job.settings.parse import Secret
from job.settings.secrets import reveal
from job.settings.variables import Settings
from job.settings.webhooks import WebhookSettings
from tests.kit.good import GOOD

Connect = Callable[[], AbstractAsyncContextManager[SecretManagerServiceAsyncClient]]
SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
SECRET = "projects/p/secrets/jira/versions/latest"


@dataclass
class Vault:
    """The server: secrets by full name, and what goes wrong with some of them."""

    secrets: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, grpc.StatusCode] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    down_for: int = 0
    """How many calls still find the service unavailable."""
    asked: Counter[str] = field(default_factory=Counter)
    crowd: int = 0
    crowd_max: int = 0

    async def access(
        self, request: AccessSecretVersionRequest, context: Any
    ) -> AccessSecretVersionResponse:
        self.asked[request.name] += 1
        self.crowd += 1
        self.crowd_max = max(self.crowd, self.crowd_max)
        await asyncio.sleep(0.02)
        self.crowd -= 1
        if self.down_for:
            self.down_for -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "try later")
        if request.name in self.refusals:
            await context.abort(self.refusals[request.name], "no")
        if request.name not in self.secrets:
            await context.abort(grpc.StatusCode.NOT_FOUND, "Secret not found or has no versions.")
        data = self.secrets[request.name]
        checksum = google_crc32c.value(data) + (request.name in self.damaged)
        return AccessSecretVersionResponse(
            name=request.name, payload=SecretPayload(data=data, data_crc32c=checksum)
        )

    async def versions(
        self, request: ListSecretVersionsRequest, context: Any
    ) -> ListSecretVersionsResponse:
        """The newest first. Those that are not among the secrets are disabled."""
        assert request.filter == "state:ENABLED"
        if request.parent in self.refusals:
            await context.abort(self.refusals[request.parent], "no")
        here = [name for name in self.secrets if name.startswith(f"{request.parent}/versions/")]
        here.sort(key=lambda name: int(name.rpartition("/")[2]), reverse=True)
        found = [SecretVersion(name=name) for name in here[: request.page_size]]
        return ListSecretVersionsResponse(versions=found)


class PatientClock:
    """Sleeps in no time and remembers for how long."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)


@pytest.fixture
def vault() -> Vault:
    return Vault(secrets={SECRET: b"jira-token-from-the-vault"})


@pytest.fixture
async def connect(vault: Vault) -> AsyncIterator[Connect]:
    server = grpc.aio.server()
    access = grpc.unary_unary_rpc_method_handler(  # type: ignore[no-untyped-call]
        vault.access,
        request_deserializer=AccessSecretVersionRequest.deserialize,
        response_serializer=AccessSecretVersionResponse.serialize,
    )
    versions = grpc.unary_unary_rpc_method_handler(  # type: ignore[no-untyped-call]
        vault.versions,
        request_deserializer=ListSecretVersionsRequest.deserialize,
        response_serializer=ListSecretVersionsResponse.serialize,
    )
    methods = {"AccessSecretVersion": access, "ListSecretVersions": versions}
    handler = grpc.method_handlers_generic_handler(SERVICE, methods)  # type: ignore[no-untyped-call]
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    @asynccontextmanager
    async def dial() -> AsyncIterator[SecretManagerServiceAsyncClient]:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        async with SecretManagerServiceAsyncClient(
            transport=SecretManagerServiceGrpcAsyncIOTransport(channel=channel)
        ) as client:
            yield client

    yield dial
    await server.stop(grace=None)


def pointing(**references: str) -> Settings:
    """The good settings with some secrets replaced by references to `projects/p/secrets/…`."""
    return load(
        {**GOOD, **{name: f"sm://projects/p/secrets/{rest}" for name, rest in references.items()}}
    )


async def test_a_reference_without_a_version_is_read_as_the_latest(connect: Connect) -> None:
    settings = await reveal(pointing(JIRA_API_TOKEN="jira"), clock=PatientClock(), connect=connect)
    assert settings.jira_api_token == Secret("jira-token-from-the-vault")
    assert settings.halo_api_key.text == GOOD["HALO_API_KEY"]
    assert not settings.references


async def test_any_secret_may_be_a_reference_and_all_are_read_at_once_and_each_once(
    vault: Vault, connect: Connect
) -> None:
    vault.secrets = {
        f"projects/p/secrets/halo/versions/{version}": f"value-{version}\n".encode()
        for version in (1, 2)
    }
    pointed = pointing(
        HALO_API_KEY="halo/versions/1",
        HALO_API_SECRET_KEY="halo/versions/2",
        JIRA_API_TOKEN="halo/versions/2",
    )
    settings = await reveal(pointed, clock=PatientClock(), connect=connect)
    assert settings.jira_api_token
    secrets = (settings.halo_api_key, settings.halo_api_secret_key, settings.jira_api_token)
    assert [secret.text for secret in secrets] == ["value-1", "value-2", "value-2"]
    assert vault.asked == dict.fromkeys(vault.secrets, 1)
    assert vault.crowd_max == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (grpc.StatusCode.NOT_FOUND, "no version yet"),
        (grpc.StatusCode.FAILED_PRECONDITION, "disabled or destroyed"),
        (grpc.StatusCode.PERMISSION_DENIED, "secretmanager.secretAccessor"),
        (grpc.StatusCode.INVALID_ARGUMENT, "was refused"),
    ],
)
async def test_a_secret_that_cannot_be_used_is_a_bad_setting(
    vault: Vault, connect: Connect, status: grpc.StatusCode, words: str
) -> None:
    vault.refusals[SECRET] = status
    with pytest.raises(BadSettings, match=words) as caught:
        await reveal(pointing(JIRA_API_TOKEN="jira"), clock=PatientClock(), connect=connect)
    assert [problem.variable for problem in caught.value.problems] == ["JIRA_API_TOKEN"]
    assert SECRET in str(caught.value)


async def test_every_unusable_secret_is_told_at_once(vault: Vault, connect: Connect) -> None:
    vault.secrets["projects/p/secrets/short/versions/latest"] = b" \n"
    vault.secrets["projects/p/secrets/binary/versions/latest"] = b"\xff\xfe\xfd\xfc"
    pointed = pointing(HALO_API_KEY="short", HALO_API_SECRET_KEY="binary", JIRA_API_TOKEN="missing")
    with pytest.raises(BadSettings) as caught:
        await reveal(pointed, clock=PatientClock(), connect=connect)
    told = {problem.variable: problem.wrong for problem in caught.value.problems}
    assert told.keys() == {"HALO_API_KEY", "HALO_API_SECRET_KEY", "JIRA_API_TOKEN"}
    assert "too short" in told["HALO_API_KEY"]
    assert "is not text" in told["HALO_API_SECRET_KEY"]


async def test_a_damaged_secret_stops_the_run_and_is_not_shown(
    vault: Vault, connect: Connect
) -> None:
    vault.damaged.add(SECRET)
    with pytest.raises(MalformedAnswer, match="checksum differs") as caught:
        await reveal(pointing(JIRA_API_TOKEN="jira"), clock=PatientClock(), connect=connect)
    assert "from-the-vault" not in str(caught.value)


async def test_a_service_that_is_down_for_a_moment_is_asked_again(
    vault: Vault, connect: Connect
) -> None:
    vault.down_for = 2
    clock = PatientClock()
    settings = await reveal(pointing(JIRA_API_TOKEN="jira"), clock=clock, connect=connect)
    assert settings.jira_api_token == Secret("jira-token-from-the-vault")
    assert clock.slept_s == [0.5, 2.0]


async def test_a_service_that_stays_down_stops_the_run(vault: Vault, connect: Connect) -> None:
    vault.down_for = 99
    with pytest.raises(RemoteDown, match="try later"):
        await reveal(pointing(JIRA_API_TOKEN="jira"), clock=PatientClock(), connect=connect)
    assert vault.asked[SECRET] == 3


async def test_being_nobody_to_google_stops_the_run(vault: Vault, connect: Connect) -> None:
    vault.refusals[SECRET] = grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(RemoteRefused, match="Google identity"):
        await reveal(pointing(JIRA_API_TOKEN="jira"), clock=PatientClock(), connect=connect)


HOOKS = "projects/p/secrets/hook"


def hook(reference: str = HOOKS) -> WebhookSettings:
    environ = {"HOME": "/home/someone", "JIRA_WEBHOOK_SECRET": f"sm://{reference}"}
    return load_kind(WebhookSettings, environ)


async def test_the_two_newest_versions_of_the_webhooks_secret_count(
    vault: Vault, connect: Connect
) -> None:
    texts = {9: b"the oldest of them all", 10: b"words, with a comma", 11: b"the newest of them\n"}
    vault.secrets = {f"{HOOKS}/versions/{number}": text for number, text in texts.items()}
    told = await reveal(hook(), clock=PatientClock(), connect=connect)
    assert told.signing_secrets == ("the newest of them", "words, with a comma")
    assert {"the newest of them", "words, with a comma"} <= set(told.spoken_secrets)
    assert "newest" not in repr(told)


async def test_one_version_alone_or_one_that_is_named_counts_alone(
    vault: Vault, connect: Connect
) -> None:
    vault.secrets = {
        f"{HOOKS}/versions/{number}": b"the secret number %d" % number for number in (1, 2)
    }
    named = await reveal(hook(f"{HOOKS}/versions/1"), clock=PatientClock(), connect=connect)
    assert named.signing_secrets == ("the secret number 1",)
    del vault.secrets[f"{HOOKS}/versions/2"]
    alone = await reveal(hook(), clock=PatientClock(), connect=connect)
    assert alone.signing_secrets == ("the secret number 1",)


async def test_a_webhooks_secret_that_cannot_be_used_is_a_bad_setting(
    vault: Vault, connect: Connect
) -> None:
    with pytest.raises(BadSettings, match="no version that is enabled"):
        await reveal(hook(), clock=PatientClock(), connect=connect)
    vault.secrets[f"{HOOKS}/versions/1"] = b"short"
    told = await reveal(hook(), clock=PatientClock(), connect=connect)
    with pytest.raises(BadSettings, match="nobody guesses"):
        _ = told.signing_secrets
    vault.refusals[HOOKS] = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(BadSettings, match=r"secretmanager\.viewer"):
        await reveal(hook(), clock=PatientClock(), connect=connect)
