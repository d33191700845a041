"""Reads the secrets that settings only point at (`sm://`) from Secret Manager, each checked.

Promises: each reference is read once, all of them at once, and its checksum (CRC32C) compared;
every secret that cannot be used is told at once, with what to do about it. It is imported only when
a setting says `sm://`.
Does not do: caching or rotation. Every run is a new process and reads anew, so `latest` follows a
rotation by itself.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import google_crc32c
from google.api_core.exceptions import (
    FailedPrecondition,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient
from google.cloud.secretmanager_v1.types import SecretPayload

from job.each import each
from job.errors import BadSettings, MalformedAnswer, Problem, RemoteDown, RemoteRefused
from job.ports import Clock
from job.settings.basics import ProcessSettings
from job.settings.parse import BETWEEN, SECRET_REFERENCE, Unfit, check_secret

S = TypeVar("S", bound=ProcessSettings)

DEADLINE_S = 5.0
PAUSES_S = (0.5, 2.0)
DOING = "reading a secret"
REMEDIES = (
    (
        NotFound,
        "does not exist, or has no version yet",
        "a secret with a version: gcloud secrets versions add SECRET",
    ),
    (FailedPrecondition, "is disabled or destroyed", "an enabled version"),
    (
        Forbidden,
        "may not be read by us",
        "a secret on which this identity has roles/secretmanager.secretAccessor, and "
        "roles/secretmanager.viewer where its two newest versions count",
    ),
)


@asynccontextmanager
async def open_client() -> AsyncIterator[SecretManagerServiceAsyncClient]:
    """Secret Manager with the ambient identity."""
    try:
        client = SecretManagerServiceAsyncClient()
    except DefaultCredentialsError as error:
        advice = (
            "Run `gcloud auth application-default login`, or give the program a service account."
        )
        raise RemoteRefused(
            "secrets", DOING, "There is no Google identity to ask with.", advice
        ) from error
    async with client:
        yield client


async def reveal(
    settings: S,
    *,
    clock: Clock,
    connect: Callable[
        [], AbstractAsyncContextManager[SecretManagerServiceAsyncClient]
    ] = open_client,
) -> S:
    """The same settings with every reference replaced by the secret. Raises `BadSettings`, or a
    `StopsRun`.
    """
    rotating = settings.rotating & settings.references.keys()
    references = {name: text for name, text in settings.references.items() if name not in rotating}
    wanted = {name: _resource(reference) for name, reference in references.items()}
    resources = sorted(set(wanted.values()))
    async with connect() as client:
        answers = await each(
            lambda resource: _read(client, resource, clock=clock), resources, at_once=len(resources)
        )
        told: dict[str, str | Unfit] = {}
        for name in sorted(rotating):
            told[name] = await _rotating(client, settings.references[name], clock=clock)
    found = dict(zip(resources, answers, strict=True))
    told |= {name: found[resource] for name, resource in wanted.items()}
    problems = [
        Problem(name.upper(), no.wrong, no.allowed)
        for name, no in told.items()
        if isinstance(no, Unfit)
    ]
    if problems:
        raise BadSettings(problems)
    return settings.with_secrets({name: str(secret) for name, secret in told.items()})


def _resource(reference: str) -> str:
    """The reference in full: without a version it means the latest."""
    matched = SECRET_REFERENCE.fullmatch(reference)
    if matched is None:
        raise AssertionError("settings.load lets no other reference pass")
    return f"{matched['name']}/versions/{matched['version'] or 'latest'}"


async def _rotating(
    client: SecretManagerServiceAsyncClient, reference: str, *, clock: Clock
) -> str | Unfit:
    """The texts that count while a secret is replaced, with `BETWEEN` after each; or why none can
    be used. They are the two newest, and Secret Manager lists the newest first; a version that is
    named counts alone.
    """
    resource = _resource(reference)
    versions: Sequence[str] | Unfit = [resource]
    if resource.endswith("/versions/latest"):
        versions = await _newest_two(client, resource.removesuffix("/versions/latest"))
    if isinstance(versions, Unfit):
        return versions
    texts = [await _read(client, version, clock=clock, check=str) for version in versions]
    unfit = next((text for text in texts if isinstance(text, Unfit)), None)
    return unfit or "".join(f"{text}{BETWEEN}" for text in texts)


async def _newest_two(client: SecretManagerServiceAsyncClient, name: str) -> Sequence[str] | Unfit:
    """The names of the two newest versions that are enabled, or of the only one."""
    question = {"parent": name, "filter": "state:ENABLED", "page_size": 2}
    try:
        pages = await client.list_secret_versions(request=question, retry=None, timeout=DEADLINE_S)
    except (ServerError, TooManyRequests) as failure:
        raise RemoteDown("secrets", DOING, f"{name}: {failure.message}") from failure
    except GoogleAPICallError as refusal:
        return _refused(name, refusal)
    newest = [version.name for version in pages.versions[:2]]
    return newest or Unfit(f"{name} has no version that is enabled.", "an enabled version")


async def _read(
    client: SecretManagerServiceAsyncClient,
    resource: str,
    *,
    clock: Clock,
    check: Callable[[str], str] = check_secret,
) -> str | Unfit:
    """The secret, or why it cannot be used. A service that is unavailable is asked again, twice.

    The client's own retry is off: it would go on for a minute whatever the time-out says.
    """
    for pause_s in (*PAUSES_S, None):
        try:
            answer = await client.access_secret_version(
                name=resource, retry=None, timeout=DEADLINE_S
            )
        except (ServerError, TooManyRequests) as failure:
            if pause_s is None:
                raise RemoteDown("secrets", DOING, f"{resource}: {failure.message}") from failure
            await clock.sleep(pause_s)
        except GoogleAPICallError as refusal:
            return _refused(resource, refusal)
        else:
            return _checked(resource, answer.payload, check=check)
    raise AssertionError("the last attempt answers or raises")


def _refused(resource: str, refusal: GoogleAPICallError) -> Unfit:
    if isinstance(refusal, Unauthorized):
        raise RemoteRefused(
            "secrets",
            DOING,
            f"{resource}: {refusal.message}",
            "Give the program a Google identity.",
        )
    for kind, wrong, remedy in REMEDIES:
        if isinstance(refusal, kind):
            return Unfit(f"{resource} {wrong}.", remedy)
    return Unfit(
        f"{resource} was refused: {refusal.message}.", "sm://projects/P/secrets/S or …/versions/V"
    )


def _checked(resource: str, payload: SecretPayload, *, check: Callable[[str], str]) -> str | Unfit:
    if google_crc32c.value(payload.data) != payload.data_crc32c:
        raise MalformedAnswer(
            "secrets", DOING, f"{resource} arrived damaged: its checksum differs."
        )
    try:
        return check(payload.data.decode().strip())
    except UnicodeDecodeError:
        return Unfit(f"{resource} is not text.", "the secret as UTF-8 text")
    except Unfit as unfit:
        return Unfit(f"{resource}: {unfit.wrong}", unfit.allowed)
