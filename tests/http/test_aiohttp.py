"""The real transport over loopback: which way requests go, and what a lost answer looks like."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from job.http.aiohttp import AiohttpTransport, open_session
from job.http.message import NoAnswer, NotSent, Request, Response, as_json

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Met: yes\r\n\r\n{}"


@asynccontextmanager
async def listening(answer: bytes, *, met: list[str]) -> AsyncIterator[str]:
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

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
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


async def test_hosts_that_no_proxy_names_are_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
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


# --- Bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, "\xc3\xa9"]}', {"a": [1, 2.5, None, "é"]}),
        (b'"cut within an emoji: \\ud83d"', "cut within an emoji: "),
        (b"123456789012345678901234567890.5", 1.2345678901234568e29),
    ],
)
def test_a_body_is_read_as_json_even_where_half_an_emoji_is_left(body: bytes, value: object) -> None:
    assert Response(status=200, headers={}, body=body).json() == value


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"\xff\xfe"])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Response(status=200, headers={}, body=body).json()


@pytest.mark.parametrize("value", [{"a": "é😀", "b": [1, (2, None)]}, {"half": "\ud83d", "tab": "\t"}, {}])
def test_what_is_sent_is_valid_json_whatever_the_words(value: object) -> None:
    sent = as_json(value)
    assert json.loads(sent) == json.loads(json.dumps(value))
    sent.decode()


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError):
        as_json({"a": object()})
