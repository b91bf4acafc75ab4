"""`anyopenai serve`: the stand-in server until a signal ends it; what it answers lives in `anyopenai.testing`."""

from __future__ import annotations

from anyio import CancelScope, sleep_forever

from ..testing import serve
from .screen import say
from .talking import Cancelling

__all__ = ("serve_until_stopped",)


async def serve_until_stopped(host: str, port: int, cancelling: Cancelling) -> None:
    """Serve until Ctrl-C, which is how this command ends well.

    Args:
        host: Address to listen on.
        port: Port; 0 for any free one.
        cancelling: Makes Ctrl-C cancel a scope.

    Raises:
        OSError: The address cannot be listened on.
    """
    with CancelScope() as scope, cancelling(scope):
        async with serve(host=host, port=port) as server:
            say(f"Stand-in for the API at {server.base_url} (it computes no model). Ctrl-C ends it.")
            say(f"Use it with: OPENAI_BASE_URL={server.base_url} OPENAI_API_KEY=unused")
            await sleep_forever()
    say("Stopped.")
