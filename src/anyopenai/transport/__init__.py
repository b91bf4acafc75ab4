"""Public door of the transports; names load on first use, so that importing the package opens nothing and stays light."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .adapters import AiohttpTransport, HttpxTransport
    from .base import (
        BodyReader,
        BodySource,
        Middleware,
        Phase,
        Sent,
        Trace,
        Transport,
        TransportFailure,
        WireRequest,
        WireResponse,
    )
    from .buffered import BufferedResponse
    from .pool import PoolStats, PoolTransport
    from .tls import tls_context

__all__ = (
    "AiohttpTransport",
    "BodyReader",
    "BodySource",
    "BufferedResponse",
    "HttpxTransport",
    "Middleware",
    "Phase",
    "PoolStats",
    "PoolTransport",
    "Sent",
    "Trace",
    "Transport",
    "TransportFailure",
    "WireRequest",
    "WireResponse",
    "tls_context",
)

_ELSEWHERE = {
    "AiohttpTransport": ".adapters",
    "BufferedResponse": ".buffered",
    "HttpxTransport": ".adapters",
    "PoolStats": ".pool",
    "PoolTransport": ".pool",
    "tls_context": ".tls",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_ELSEWHERE.get(name, ".base"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
