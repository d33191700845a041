"""Carries requests over real sockets: the only file that knows aiohttp on the client's side.

Promises: one session, and so one pool of connections, for as long as its block lasts; a proxy and a
private CA are honoured; redirects are not followed, so credentials never travel to another host; no
cookie is kept, so each request is answered to whom its own credentials name.
Does not do: repeating, pausing or counting (`caller.py`).
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from job.http.message import NoAnswer, NotSent, Request, Response


@contextmanager
def _no_certificates() -> Iterator[None]:
    """Keeps contexts of TLS empty, so that they trust nobody.

    aiohttp makes two of them when it is imported, and loads the machine's certificates into both: a
    quarter of the start. It needs neither, for `open_session` brings the one that is used.
    """
    ssl.SSLContext.set_default_verify_paths = lambda self: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths


with _no_certificates():
    import aiohttp

CONNECT_S = 10.0
NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientProxyConnectionError,
)


@asynccontextmanager
async def open_session(
    *, user_agent: str, ca_bundle: str | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for any number of requests. `ca_bundle` is a path of PEM certificates, in place of
    the machine's.
    """
    tls = ssl.create_default_context(cafile=ca_bundle)
    tls.set_alpn_protocols(["http/1.1"])
    connector = aiohttp.TCPConnector(limit=0, ssl=tls)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        headers={"User-Agent": user_agent},
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield session


class AiohttpTransport:
    """`Transport` on an open session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._proxies: dict[str, str | None] = {}

    async def send(self, request: Request) -> Response:
        """Sends once. What fails before a connection stands was never sent; anything later may have
        arrived.
        """
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                proxy=self._proxy(request.url),
            ) as answer:
                return Response(
                    status=answer.status, headers=answer.headers, body=await answer.read()
                )
        except NEVER_CONNECTED as failure:
            raise NotSent(_words(failure)) from failure
        except (aiohttp.ClientError, OSError) as failure:
            raise NoAnswer(_words(failure)) from failure

    def _proxy(self, url: str) -> str | None:
        """The proxy for this host by HTTPS_PROXY and NO_PROXY, looked up once.

        aiohttp's own look-up (`trust_env`) goes through two threads for each request, which is a
        third of its cost, and would send passwords out of a `.netrc` as well.
        """
        origin = url[: url.find("/", len("https://"))]
        if origin not in self._proxies:
            parts = urlsplit(url)
            bypassed = proxy_bypass_environment(parts.netloc)
            self._proxies[origin] = None if bypassed else getproxies_environment().get(parts.scheme)
        return self._proxies[origin]


def _words(failure: BaseException) -> str:
    return f"{type(failure).__name__}: {failure}".rstrip(": ")
