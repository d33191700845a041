"""The HTTP entry points on functions-framework, each as thin as a command of `cli.py`.

    python -m functions_framework --source job/functions.py --target sync (sync_event, jira_webhook)

Promises: nothing is opened before the first request, and then once; every line of the log is one
JSON object; what is answered holds no secret and no traceback.
Does not do: any work, which is in `web/`.
"""

import asyncio
from contextlib import AsyncExitStack
from os import environ

import functions_framework.aio
from cloudevents.http.event import CloudEvent
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from structlog.contextvars import bound_contextvars

from job.commands.context import CommandContext
from job.commands.request import answer, order_in
from job.console.words import explain
from job.errors import SyncError
from job.settings.webhooks import WebhookSettings
from job.web.hook import Answer, Hook, refused
from job.web.reading import TooLarge, TooSlow, body_of
from job.wiring import open_hook

ORDER_MAX = 4096
TRIED_AGAIN = frozenset({409, 500, 502})
"""How a run ends that a later one can mend: another is at work, a remote is down, a bug."""


class Door:
    """The webhook of this process, opened by the first to come and open until the process ends."""

    def __init__(self) -> None:
        self._context = CommandContext(environ, terminal=False)
        self._kept = AsyncExitStack()
        self._hook: Hook | None = None
        self._opening = asyncio.Lock()

    async def hook(self) -> Hook:
        """Raises `BadSettings`, or a `StopsRun`."""
        async with self._opening:
            if self._hook is None:
                settings = self._context.settings(WebhookSettings)
                opening = open_hook(
                    settings, clock=self._context.clock, hide=self._context.redactor.hide
                )
                self._hook = await self._kept.enter_async_context(opening)
        return self._hook

    def explain(self, error: SyncError) -> None:
        """Says in the log why there is no webhook."""
        self._context.console.explain(explain(error), error=error)


_DOOR = Door()


@functions_framework.aio.http
async def jira_webhook(request: Request) -> Response:
    """Takes what Jira tells of tickets."""
    if request.method != "POST":
        return _said(Answer(status=405, said={"error": "Jira delivers by POST."}))
    try:
        hook = await _DOOR.hook()
    except SyncError as error:
        _DOOR.explain(error)
        return _said(Answer(status=503, said={"error": "This is not set up; its log says why."}))
    try:
        body = await body_of(request.stream())
    except TooLarge as wrong:
        return _said(refused(413, str(wrong)))
    except TooSlow as wrong:
        return _said(refused(408, str(wrong)))
    except ClientDisconnect:
        return _said(refused(400, "The caller hung up before the body was whole."))
    return _said(await hook.take(body, headers=request.headers))


@functions_framework.aio.http
async def sync(request: Request) -> Response:
    """Carries out one run and answers with its summary."""
    if request.method != "POST":
        return _said(Answer(status=405, said={"error": "A run is asked for by POST."}))
    context = CommandContext(environ, terminal=False)
    with bound_contextvars(command="sync"):
        try:
            body = await body_of(request.stream(), bytes_max=ORDER_MAX)
        except (TooLarge, TooSlow, ClientDisconnect) as wrong:
            return _said(Answer(status=422, said={"error": str(wrong)}))
        return _said(await answer(context, body=body))


@functions_framework.aio.cloud_event
async def sync_event(event: CloudEvent) -> None:
    """The same for a message of Pub/Sub. What trying again can mend is answered 503."""
    context = CommandContext(environ, terminal=False)
    with bound_contextvars(command="sync_event"):
        ended = await answer(context, body=order_in(event.data))
    if ended.status in TRIED_AGAIN:
        raise HTTPException(status_code=503, detail="Not done: send it again.")


def _said(ended: Answer) -> Response:
    return JSONResponse(ended.said, status_code=ended.status)
