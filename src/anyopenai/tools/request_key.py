"""Idempotency keys of runs: each request of a run has its own, also where the user fixed one; nothing is sent here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..client import OpenAI

__all__ = ("fixed_key",)


def fixed_key(client: OpenAI, options: dict[str, Any], step: int) -> dict[str, Any]:
    """Return a request's options with an idempotency key that is the request's own.

    A key that the user fixed, in the options or for the whole client, would make every request of a run one and the same:
    the first goes out with it, later ones with their number added. Without one, each call makes its own.

    Args:
        client: Whose default headers count.
        options: The options of every request of the run.
        step: Which request of the run it is, from 1.
    """
    if step == 1:
        return options
    key: object = options.get("idempotency_key")
    if not isinstance(key, str):
        for headers in (options.get("extra_headers") or {}, client.default_headers):
            found = [value for name, value in headers.items() if name.lower() == "idempotency-key"]
            if found:
                key = found[-1]
                break
    return {**options, "idempotency_key": f"{key}-{step}"} if isinstance(key, str) else options
