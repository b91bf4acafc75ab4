"""`serve`: the stand-in on a real socket, in the caller's own process and event loop; how bytes travel is the worker's."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from anyio import create_tcp_listener
from anyio.abc import SocketAttribute, SocketListener

from .._tasks import GRACE_SECONDS, grace, open_task_group
from ..errors import MissingExtraError
from .app import StandIn
from .state import Stats

if TYPE_CHECKING:
    from .worker import Worker

__all__ = ("Server", "serve")


class Server:
    """A stand-in that is being served.

    Attributes:
        app: The application.
        host: The address it listens on.
        port: The port it listens on.
        base_url: What a client takes as `base_url`, such as `http://127.0.0.1:8080/v1`.
    """

    def __init__(self, app: StandIn, scheme: str, host: str, port: int) -> None:
        self.app = app
        self.host = host
        self.port = port
        self.base_url: str = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"

    @property
    def stats(self) -> Stats:
        """What has been asked so far."""
        return self.app.stats

    def __repr__(self) -> str:
        return f"<Server {self.base_url}>"


@asynccontextmanager
async def serve(
    app: StandIn | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    shutdown_timeout: float = 1.0,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncGenerator[Server]:
    """Serve a stand-in for the API while the block runs, on real HTTP/1.1 and HTTP/2 sockets.

    It runs as tasks beside the block, on asyncio and on trio, installs no signal handlers and prints nothing. At the
    end of the block no connection is accepted any more, idle ones are closed, requests under way have
    `shutdown_timeout` to end and are cut after it. Cancelling the block cuts them at once.

    ::

        async with serve() as server, OpenAI(api_key="any", base_url=server.base_url) as client:
            await client.models.list()

    Args:
        app: What is served; `StandIn()` if none is given.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one (`server.port` tells).
        shutdown_timeout: Seconds that requests have to end after the block.
        ssl_context: Serves HTTPS, and HTTP/2 where the context's ALPN protocols include `h2`. Clear text otherwise,
            where HTTP/2 works with prior knowledge.

    Raises:
        MissingExtraError: hypercorn is not installed.
        OSError: The port is taken, or the address is not ours.
    """
    app = StandIn() if app is None else app
    worker = _new_worker(app, ssl_context)
    listeners = await _listen(host, port)
    try:
        address = cast("tuple[str, int]", listeners[0].extra(SocketAttribute.local_address))
        bound_host = host if port else address[0]
        server = Server(app, "https" if ssl_context else "http", _reachable(bound_host), address[1])
        async with open_task_group() as connections:
            try:
                async with open_task_group() as accepting:
                    for listener in listeners:
                        accepting.start_soon(worker.accept, listener, connections)
                    try:
                        yield server
                    finally:
                        accepting.cancel_scope.cancel()
            finally:
                for listener in listeners:
                    with grace():
                        await listener.aclose()
                with grace(shutdown_timeout + GRACE_SECONDS):
                    await worker.shut_down(shutdown_timeout)
    finally:
        for listener in listeners:
            with grace():
                await listener.aclose()


def _new_worker(app: StandIn, ssl_context: ssl.SSLContext | None) -> Worker:
    try:
        from .worker import Worker
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"The embedded server needs the package {error.name!r}: pip install 'anyopenai[server]'."
        ) from error
    return Worker(app, app.stats, ssl_context)


async def _listen(host: str, port: int) -> list[SocketListener]:
    """Open the listeners of an address; a name with several addresses gets one if the port is free to choose."""
    opened = await create_tcp_listener(local_host=host, local_port=port)
    listeners = cast("list[SocketListener]", list(opened.listeners))
    if port == 0:
        # Each address would have a port of its own, and the base URL can name only one.
        for listener in listeners[1:]:
            await listener.aclose()
        del listeners[1:]
    return listeners


def _reachable(host: str) -> str:
    """Return an address that a client on this machine can connect to."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
