"""The simulated vendors on loopback, for a program that is called here or started as a process.

Promises: they answer on a thread of their own, and only while a block lasts. When it has ended, no
call is at work any more, and one that was held up on its way has no effect. Ports can be held
meanwhile, so that the vendors of the next block are found where those of the last one were: their
addresses are settings, which the program remembers.
Does not do: asking the vendors anything; whoever shares their world looks into it directly.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

from job.sim.server import NO_LATENCY, Latency, Urls, serve
from job.sim.world import World

HOST = "127.0.0.1"
PATIENCE_S = 10.0


@contextmanager
def served(
    world: World,
    *,
    latency: Latency = NO_LATENCY,
    ports: tuple[int, int, int] = (0, 0, 0),
) -> Iterator[Urls]:
    """The world's vendors and its control at work. Port 0 takes a free one."""
    halo, jira, control = ports
    serving = serve(world, latency=latency, halo_port=halo, jira_port=jira, control_port=control)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        opening = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop)
        urls = opening.result(timeout=PATIENCE_S)
        try:
            yield urls
        finally:
            closing = asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop)
            closing.result(timeout=PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def held_port() -> Iterator[int]:
    """A port that nobody else is given while the block lasts.

    The system gives a bound port to nobody who asks for a free one, although nobody listens there;
    who asks for this very port may listen, if both sides reuse addresses, as servers usually do.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, 0))
        yield int(holder.getsockname()[1])


@contextmanager
def held_ports() -> Iterator[tuple[int, int, int]]:
    """A port for each vendor and one for the control."""
    with ExitStack() as holders:
        halo, jira, control = (holders.enter_context(held_port()) for _ in range(3))
        yield halo, jira, control
