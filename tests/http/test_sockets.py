"""The real transport over loopback: which way requests go, and what a lost answer looks like."""

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Raw, Struct

from job.http.message import NoAnswer, NotSent, Request, Response, as_json
from job.http.sockets import AiohttpTransport, open_session

TLS = Path(__file__).parent / "tls"
"""A certificate for this machine, signed by itself, and its key: good until 2120, and for
nothing else.
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Met: yes\r\n\r\n{}"


@asynccontextmanager
async def listening(
    answer: bytes, *, met: list[str], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A server that notes each request's head and gives the same bytes to everybody."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                met.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(answer)
                if not answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        server.close()


def get(url: str) -> Request:
    return Request(method="GET", url=url, name="GET /x")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def test_an_answer_comes_back_with_lower_case_header_names() -> None:
    async with listening(ANSWER, met=[]) as url, open_session(user_agent="us") as session:
        response = await AiohttpTransport(session).send(get(f"{url}/x"))
    assert (response.status, response.headers["x-met"], response.body) == (200, "yes", b"{}")


async def test_requests_go_through_the_proxy_of_the_environment_with_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met: list[str] = []
    async with listening(ANSWER, met=met) as proxy, open_session(user_agent="us") as session:
        monkeypatch.setenv("http_proxy", proxy.replace("//", "//me:planted@"))
        await AiohttpTransport(session).send(get("http://jira.example/x"))
    assert met[0].startswith("GET http://jira.example/x HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6cGxhbnRlZA==\r\n" in met[0]


async def test_hosts_that_no_proxy_names_are_asked_directly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met: list[str] = []
    async with listening(ANSWER, met=met) as url, open_session(user_agent="us") as session:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        await AiohttpTransport(session).send(get(f"{url}/x"))
    assert met[0].startswith("GET /x HTTP/1.1\r\n")


async def test_what_never_connects_was_never_sent_and_what_breaks_later_may_have_been() -> None:
    async with listening(b"", met=[]) as url, open_session(user_agent="us") as session:
        with pytest.raises(NoAnswer):
            await AiohttpTransport(session).send(get(f"{url}/x"))
    async with open_session(user_agent="us") as session:
        with pytest.raises(NotSent):
            await AiohttpTransport(session).send(get("http://127.0.0.1:9/x"))


# --- Bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, "\xc3\xa9"]}', {"a": [1, 2.5, None, "é"]}),
        (b'"cut within an emoji: \\ud83d"', "cut within an emoji: "),
        (b"123456789012345678901234567890.5", 1.2345678901234568e29),
    ],
)
def test_a_body_is_read_as_json_even_where_half_an_emoji_is_left(
    body: bytes, value: object
) -> None:
    assert Response(status=200, headers={}, body=body).json() == value


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a":', b"\xff\xfe", b"[" * 10_000, b"[" * 10_000 + b'"\\ud83d"']
)
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Response(status=200, headers={}, body=body).json()


@pytest.mark.parametrize(
    "value", [{"a": "é😀", "b": [1, (2, None)]}, {"half": "\ud83d", "tab": "\t"}, {}]
)
def test_what_is_sent_is_valid_json_whatever_the_words(value: object) -> None:
    sent = as_json(value)
    assert json.loads(sent) == json.loads(json.dumps(value))
    sent.decode()


@pytest.mark.parametrize("beside", ["é😀", "half: \ud83d"])
def test_what_is_json_already_is_sent_as_it_is_whatever_stands_beside_it(beside: str) -> None:
    sent = as_json({"summary": beside, "body": Raw(b'{"type":"doc","text":"\xc3\xa9"}')})
    assert json.loads(sent) == {"summary": beside, "body": {"type": "doc", "text": "é"}}


def test_of_an_answer_only_what_is_named_is_read() -> None:
    answer = Response(
        status=201, headers={}, body=b'{"id":"7","body":{"text":"cut \\ud83d"},"x":[1,2,{}]}'
    )
    assert answer.json(Named) == Named(id="7")
    for body in (b"[]", b"{}", b'{"id":7}', b'{"id":"7"', b'{"id":"7"} x'):
        with pytest.raises(ValueError, match=r"."):
            Response(status=201, headers={}, body=body).json(Named)


class Named(Struct):
    id: str


@pytest.mark.parametrize("beside", ["", "half: \ud83d"])
def test_what_json_does_not_know_is_refused(beside: str) -> None:
    with pytest.raises(TypeError):
        as_json({"a": object(), "b": beside})


async def test_a_cookie_is_not_sent_back() -> None:
    met: list[str] = []
    answer = ANSWER.replace(b"X-Met", b"Set-Cookie: session=1; Path=/\r\nX-Met")
    async with listening(answer, met=met) as url, open_session(user_agent="us") as session:
        for _ in range(2):
            await AiohttpTransport(session).send(get(f"{url.replace('127.0.0.1', 'localhost')}/x"))
    assert len(met) == 2
    assert not [head for head in met if "cookie" in head.lower()]


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def by_itself() -> ssl.SSLContext:
    """What a server needs whose certificate no authority has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(
    by_itself: ssl.SSLContext,
) -> None:
    met: list[str] = []
    async with (
        listening(ANSWER, met=met, tls=by_itself) as url,
        open_session(user_agent="us") as session,
    ):
        with pytest.raises(NotSent, match="certificate"):
            await AiohttpTransport(session).send(get(f"{url}/x"))
    assert not met


async def test_a_bundle_of_certificates_is_trusted(by_itself: ssl.SSLContext) -> None:
    bundle = str(TLS / "cert.pem")
    async with (
        listening(ANSWER, met=[], tls=by_itself) as url,
        open_session(user_agent="us", ca_bundle=bundle) as own,
    ):
        assert (await AiohttpTransport(own).send(get(f"{url}/x"))).status == 200


async def test_without_a_bundle_the_certificates_of_the_machine_are_trusted(
    by_itself: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL's own variable stands for the machine here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))
    async with (
        listening(ANSWER, met=[], tls=by_itself) as url,
        open_session(user_agent="us") as session,
    ):
        assert (await AiohttpTransport(session).send(get(f"{url}/x"))).status == 200


def test_the_contexts_that_aiohttp_makes_for_itself_trust_nobody_and_ours_can_load_again() -> None:
    """In a process of its own, for here aiohttp may have come first."""
    told = (
        "import job.http.sockets, ssl; "
        "from aiohttp.connector import _SSL_CONTEXT_VERIFIED as theirs; "
        "print(len(theirs.get_ca_certs()), theirs.verify_mode.name, "
        "'set_default_verify_paths' in vars(ssl.SSLContext))"
    )
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["0", "CERT_REQUIRED", "False"]
