"""Carries requests over real sockets: the only file that knows aiohttp on the client's side.

Promises: one session, and so one pool of connections, for as long as its block lasts; a proxy and a private CA are
honoured; redirects are not followed, so credentials never travel to another host.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import aiohttp

from job.http.message import NoAnswer, NotSent, Request, Response

CONNECT_S = 10.0
NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientProxyConnectionError)


@asynccontextmanager
async def open_session(*, user_agent: str, ca_bundle: str | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for any number of requests. `ca_bundle` is a path of PEM certificates."""
    tls = ssl.create_default_context(cafile=ca_bundle) if ca_bundle else True
    connector = aiohttp.TCPConnector(limit=0, ssl=tls)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    headers = {"User-Agent": user_agent}
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
        yield session


class AiohttpTransport:
    """`Transport` on an open session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._proxies: dict[str, str | None] = {}

    async def send(self, request: Request) -> Response:
        """Sends once. What fails before a connection stands was never sent; anything later may have arrived."""
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                proxy=self._proxy(request.url),
            ) as answer:
                return Response(status=answer.status, headers=answer.headers, body=await answer.read())
        except NEVER_CONNECTED as failure:
            raise NotSent(_words(failure)) from failure
        except (aiohttp.ClientError, OSError) as failure:
            raise NoAnswer(_words(failure)) from failure

    def _proxy(self, url: str) -> str | None:
        """The proxy for this host by HTTPS_PROXY and NO_PROXY, looked up once.

        aiohttp's own look-up (`trust_env`) goes through two threads for each request, which is a third of its cost, and
        would send passwords out of a `.netrc` as well.
        """
        origin = url[: url.find("/", len("https://"))]
        if origin not in self._proxies:
            parts = urlsplit(url)
            bypassed = proxy_bypass_environment(parts.netloc)
            self._proxies[origin] = None if bypassed else getproxies_environment().get(parts.scheme)
        return self._proxies[origin]


def _words(failure: BaseException) -> str:
    return f"{type(failure).__name__}: {failure}".rstrip(": ")
