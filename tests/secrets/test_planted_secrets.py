"""No byte that leaves the program, and no document that it keeps, holds a secret: however a run
ends.

Secrets are planted in every setting that can hold one; vendors repeat them in every place where
words can stand. Each output and the whole memory is searched for each of them: as it is, as URLs
write it, as base64 writes it, and cut.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import google_crc32c
import grpc
import pytest
from google.cloud import firestore
from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcAsyncIOTransport,
)
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)

from job.cli import answer
from job.commands.context import CommandContext
from job.sim.call import Call
from job.sim.server import NO_LATENCY, Latency, Pace
from job.sim.story import settings
from job.sim.world import World
from tests.kit.loopback import held_ports, served
from tests.kit.silence import quiet_again
from tests.secrets.planted import (
    ACCESS_TOKEN,
    FORMS,
    HALO_KEY,
    HALO_SECRET,
    JIRA_TOKEN,
    MANNERS,
    PROXY_PASSWORD,
    PROXY_USER,
    ROUTES,
    SECRETS,
    Gossip,
    HastyClock,
    forms,
    leaks,
    news,
    planted_world,
)

__all__ = ["quiet_again"]

pytestmark = pytest.mark.usefixtures("quiet_again")

Program = Callable[..., tuple[int, str]]
Vendors = Callable[..., AbstractContextManager[Mapping[str, str]]]
LATE_S = 0.4
PROXY = f"http://{PROXY_USER}:{quote(PROXY_PASSWORD, safe='')}@127.0.0.1"


@pytest.fixture
def world() -> World:
    return planted_world()


@pytest.fixture
def gossip(world: World) -> Gossip:
    return Gossip(world)


@pytest.fixture
def vendors(world: World, tmp_path: Path) -> Iterator[Vendors]:
    """Opens the vendors for one run, always at the same addresses: the settings to meet them with.

    They are closed before the next run is planned, for which a call that this one leaves behind
    would otherwise use up what is planned.
    """
    with held_ports() as ports:

        @contextmanager
        def opened(latency: Latency = NO_LATENCY) -> Iterator[Mapping[str, str]]:
            with served(world, latency=latency, ports=ports) as urls:
                yield {
                    **settings(world, urls=urls),
                    "NEW_ISSUE_STATUS": "In Progress",
                    "STATE_URL": f"sqlite:///{tmp_path}/state.db",
                    "HTTPS_PROXY": f"{PROXY}:1",
                    "LOG_LEVEL": "debug",
                }

        yield opened


@pytest.fixture
def program(vendors: Vendors, capfd: pytest.CaptureFixture[str]) -> Program:
    """The program with planted secrets, called here: its exit code and every byte it wrote."""

    def run(
        *args: str,
        terminal: bool = False,
        latency: Latency = NO_LATENCY,
        **changed: str,
    ) -> tuple[int, str]:
        with vendors(latency) as environ:
            desk = CommandContext({**environ, **changed}, terminal=terminal)
            desk.clock = HastyClock()
            capfd.readouterr()
            exit_code = answer(desk, args=args)
            return exit_code, "".join(capfd.readouterr())

    return run


def kept(folder: Path) -> bytes:
    """Every byte of SQLite's files, with what was dropped and not yet overwritten."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("state.db*")))


def test_the_eye_sees_every_form_of_a_secret_and_one_cut_short() -> None:
    assert len(FORMS) > 3 * len(SECRETS)
    for form in FORMS:
        assert form in leaks(f"before {form} after")
        assert form in leaks(f"before {form[: len(form) * 4 // 5]}…".encode())
    assert leaks("[hidden]") == []


# --- Whatever vendors say: exit codes 0, 3 and 5 --------------------------------------------------


@pytest.mark.parametrize("manner", MANNERS)
def test_whatever_vendors_repeat_stays_out_of_every_output_and_of_memory(
    manner: str, world: World, gossip: Gossip, program: Program, tmp_path: Path
) -> None:
    gossip.about("", manner=manner, times=0)
    assert program("run")[0] == 0
    for place, route in enumerate(ROUTES):
        news(world)
        gossip.about(route, manner=manner)
        exit_code, said = program("run", terminal=place % 2 == 1)
        assert exit_code in {0, 2, 3, 5}, f"{manner} from {route}: {said}"
        assert leaks(said) == [], f"{manner} from {route}, exit code {exit_code}: {said}"
    assert leaks(kept(tmp_path)) == []
    assert gossip.told >= len(ROUTES) / 2, "hardly anything was repeated"


@pytest.mark.parametrize(
    ("route", "exit_code"), [("/issue/bulk/", 5), ("/myself/", 3), ("/v3/issues/", 3)]
)
def test_each_form_of_each_secret_is_known(
    route: str, exit_code: int, world: World, gossip: Gossip, program: Program, tmp_path: Path
) -> None:
    for _ in FORMS:
        news(world)
        gossip.about(route, manner="409_fields", times=1)
        ended, said = program("run", MAX_CLOSE_PERCENT="100")
        assert ended == exit_code
        assert leaks(said) == []
    assert leaks(kept(tmp_path)) == []


@dataclass(frozen=True, slots=True)
class Dawdle(Pace):
    """Every list but the first takes so long that its run can be over before it arrives."""

    calls: list[Call] = field(default_factory=list)

    def of(self, call: Call) -> float:
        if not call.path.endswith("/v3/issues"):
            return 0.0
        self.calls.append(call)
        return 0.0 if len(self.calls) == 1 else 2 * LATE_S


def test_a_call_that_outlives_its_run_uses_up_nothing_that_is_planned_for_the_next(
    program: Program, gossip: Gossip
) -> None:
    gossip.about("/v3/issues/", manner="403_fields", times=1)
    dawdle = Dawdle()
    exit_code, _ = program("run", latency=Latency(halo=dawdle))
    assert (exit_code, gossip.told) == (3, 1)
    assert len(dawdle.calls) == 2, "no list was left on its way, which proves nothing"
    gossip.about("/v3/issues/", manner="403_fields", times=1)
    time.sleep(1.5 * LATE_S)
    assert gossip.told == 1
    assert program("run")[0] == 3


def test_what_a_vendor_repeats_in_passing_stays_out_of_a_good_run(
    program: Program, gossip: Gossip
) -> None:
    gossip.about("/comment/", manner="429_reason", times=0)
    program("run")
    gossip.about("/v3/issues/", manner="429_reason", times=2)
    exit_code, said = program("run")
    assert (exit_code, leaks(said)) == (0, [])
    assert "remote.throttled" in said


@pytest.mark.parametrize("terminal", [True, False])
def test_a_check_shows_no_secret_that_vendors_repeat(
    program: Program, gossip: Gossip, *, terminal: bool
) -> None:
    for route in ("/oauth/", "/v3/issues/", "/myself/", "/createmeta/"):
        gossip.about(route, manner="403_fields")
        exit_code, said = program("check", terminal=terminal)
        assert exit_code in {2, 3}
        assert leaks(said) == [], said


WHOSE = {"/issue/bulk/": "400_text"}
"""How a refusal is put that parks its issue; a comment that is refused keeps no ticket open."""


def test_no_document_in_firestore_holds_a_secret(
    program: Program, world: World, gossip: Gossip, firestore_emulator: str
) -> None:
    project = f"p-{uuid4().hex[:20]}"
    ended = set()
    for route in ("", "/issue/bulk/", "/comment/", "/transitions/", "/findings/", "/bulkfetch/"):
        news(world)
        gossip.about(route or "nothing", manner=WHOSE.get(route, "403_fields"))
        exit_code, said = program("run", STATE_URL=f"firestore://{project}/state")
        assert leaks(said) == []
        ended.add(exit_code)
    client = firestore.Client(project=project, database="state")
    documents = [
        repr(found.to_dict())
        for collection in client.collections()
        for found in collection.stream()
    ]
    client.close()  # type: ignore[no-untyped-call]
    assert ended == {0, 3, 5}
    assert sum("[hidden]" in document for document in documents) > 1, (
        "nothing was parked, and no failure recorded"
    )
    assert [leak for document in documents for leak in leaks(document)] == []


def test_what_a_proxy_repeats_is_not_shown(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with rude_proxy() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"{PROXY}:{port}")
        exit_code, said = program(
            "run",
            HTTPS_PROXY=f"{PROXY}:{port}",
            JIRA_API_URL="https://jira.invalid",
            JIRA_CONCURRENCY_MAX="1",
        )
    assert (exit_code, leaks(said)) == (3, [])
    assert "407" in said
    assert leaks(kept(tmp_path)) == []


@contextmanager
def rude_proxy() -> Iterator[int]:
    """A proxy that says no, and what it was told."""
    words = " ".join(
        form
        for secret in (PROXY_PASSWORD, f"{PROXY_USER}:{PROXY_PASSWORD}")
        for form in forms(secret)
    )

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(f"HTTP/1.1 407 {words}\r\nContent-Length: 0\r\n\r\n".encode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


# --- However else a run ends: exit codes 1, 2 and 4 -----------------------------------------------


def test_the_stack_of_a_bug_shows_no_secret(
    program: Program, world: World, gossip: Gossip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    send = aiohttp.ClientSession._request

    async def burst(
        self: aiohttp.ClientSession, method: str, url: Any, **named: Any
    ) -> aiohttp.ClientResponse:
        if not str(url).endswith("/issue/bulk"):
            return await send(self, method, url, **named)
        raise LookupError(FORMS, named["headers"], {"token": ACCESS_TOKEN}) from ValueError(
            " ".join(FORMS)
        )

    monkeypatch.setattr(aiohttp.ClientSession, "_request", burst)
    for terminal in (True, False):
        news(world)
        exit_code, said = program("run", terminal=terminal)
        assert (exit_code, leaks(said)) == (1, [])
        assert "Traceback" in said
    assert leaks(kept(tmp_path)) == []


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("HALO_API_KEY", f"{HALO_KEY} {HALO_SECRET}"),
        ("HALO_API_SECRET_KEY", f"{HALO_SECRET}\x01"),
        ("JIRA_API_TOKEN", f"sm://{JIRA_TOKEN}"),
        ("HTTPS_PROXY", f"socks5://me:{PROXY_PASSWORD}@proxy:1"),
        ("HTTPS_PROXY", f"http://me:{quote(PROXY_PASSWORD)}@[proxy"),
        ("JIRA_API_URL", f"https://me:{quote(JIRA_TOKEN, safe='')}@example.atlassian.net"),
        (
            "HALO_API_HOSTNAME",
            f"https://{quote(HALO_KEY, safe='')}:{quote(HALO_SECRET, safe='')}@api.example.com",
        ),
        ("NO_SVA", JIRA_TOKEN),
        ("STATE_URL", f"sqlite://{HALO_SECRET}"),
    ],
)
def test_refused_settings_are_not_quoted_where_they_may_be_secret(
    program: Program, variable: str, text: str
) -> None:
    for terminal in (True, False):
        exit_code, said = program(
            "run", terminal=terminal, **{variable: text, "JIRA_API_TOKN": JIRA_TOKEN}
        )
        assert (exit_code, leaks(said)) == (2, [])
        assert variable in said


def test_a_refused_plan_shows_and_keeps_no_secret(
    program: Program, world: World, tmp_path: Path
) -> None:
    for terminal in (True, False):
        news(world)
        exit_code, said = program("run", "--approve", JIRA_TOKEN, terminal=terminal, MAX_CREATE="1")
        assert (exit_code, leaks(said)) == (4, [])
    assert leaks(kept(tmp_path)) == []


# --- Secret Manager -------------------------------------------------------------------------------

VAULT = {"HALO_API_KEY": HALO_KEY, "HALO_API_SECRET_KEY": HALO_SECRET, "JIRA_API_TOKEN": JIRA_TOKEN}
REFERENCES = {name: f"sm://projects/p/secrets/{name}" for name in VAULT}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Secret Manager on loopback, as Google's own client meets it: secrets by name."""
    secrets = {name: text.encode() for name, text in VAULT.items()}

    def access(
        request: AccessSecretVersionRequest, _: grpc.ServicerContext
    ) -> AccessSecretVersionResponse:
        data = secrets[request.name.split("/")[3]]
        checksum = google_crc32c.value(data.removesuffix(b"damaged"))
        return AccessSecretVersionResponse(
            name=request.name, payload=SecretPayload(data=data, data_crc32c=checksum)
        )

    handler = grpc.unary_unary_rpc_method_handler(  # type: ignore[no-untyped-call]
        access,
        request_deserializer=AccessSecretVersionRequest.deserialize,
        response_serializer=AccessSecretVersionResponse.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(2))  # type: ignore[no-untyped-call]
    service = "google.cloud.secretmanager.v1.SecretManagerService"
    handlers = grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler})  # type: ignore[no-untyped-call]
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    def client() -> SecretManagerServiceAsyncClient:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        return SecretManagerServiceAsyncClient(
            transport=SecretManagerServiceGrpcAsyncIOTransport(channel=channel)
        )

    monkeypatch.setattr("job.settings.secrets.SecretManagerServiceAsyncClient", client)
    yield secrets
    server.stop(grace=None).wait()


def test_secrets_from_secret_manager_are_as_well_kept_as_those_of_the_environment(
    vault: dict[str, bytes], program: Program, world: World, gossip: Gossip, tmp_path: Path
) -> None:
    ended = set()
    for route in ("nothing", "/issue/bulk/", "/myself/", "/v3/issues/", "/comment/"):
        news(world)
        gossip.about(route, manner=WHOSE.get(route, "403_fields"))
        exit_code, said = program("run", **REFERENCES)
        ended.add(exit_code)
        assert leaks(said) == []
    assert ended == {0, 3, 5}
    assert leaks(kept(tmp_path)) == []


@pytest.mark.parametrize(
    ("data", "exit_code"),
    [(f"{JIRA_TOKEN} and more", 2), (f"{JIRA_TOKEN}damaged", 3), (f"{JIRA_TOKEN}\x00", 2)],
)
def test_a_secret_that_cannot_be_used_is_not_quoted(
    vault: dict[str, bytes], program: Program, data: str, exit_code: int
) -> None:
    vault["JIRA_API_TOKEN"] = data.encode()
    ended, said = program("run", **REFERENCES)
    assert (ended, leaks(said)) == (exit_code, [])
    assert "JIRA_API_TOKEN" in said


# --- A real process -------------------------------------------------------------------------------


def test_a_real_process_writes_no_secret_to_either_stream(
    vendors: Vendors,
    gossip: Gossip,
    tmp_path: Path,
) -> None:
    ended = set()
    for route in ("nothing", "/issue/bulk/", "/myself/"):
        gossip.about(route, manner="403_fields")
        with vendors() as environ:
            shown = subprocess.run(
                [sys.executable, "-W", "error", "-m", "job", "run"],
                env={"PATH": os.environ["PATH"], **environ},
                capture_output=True,
                timeout=60,
                check=False,
            )
        ended.add(shown.returncode)
        assert leaks(shown.stdout + shown.stderr) == []
    assert ended == {0, 3}
    assert leaks(kept(tmp_path)) == []
