"""What of a client may travel to another process, as arguments for making it again there; keys never do.

A key from the environment, and a function that can be imported, travel by reference: the other process reads its own
environment and imports the function. Everything else that may hold a secret is refused, before a pickler can look at it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .._headers import is_secret_header
from ..errors import OpenAIError
from ..providers.base import OpenAIProvider
from .logs import LOGGER

if TYPE_CHECKING:
    from .._transport_options import TransportOptions
    from .engine import Carrier
    from .settings import Settings

__all__ = ("arguments_for",)


def arguments_for(settings: Settings, carrier: Carrier, transport: TransportOptions) -> dict[str, Any]:
    """Return the keyword arguments that make the same client in another process.

    Raises:
        OpenAIError: Something cannot travel; the message says what to use instead.
    """
    provider = settings.provider
    if not isinstance(provider, OpenAIProvider):
        raise _refusal("a provider of its own", "make the client where it is used")
    if carrier.given:
        raise _refusal("a transport of its own", "make the client where it is used")
    arguments: dict[str, Any] = {
        "base_url": str(provider.base_url),
        "organization": provider.organization,
        "project": provider.project,
        "timeout": settings.limits.timeout,
        "deadline": settings.deadline,
        "retry_policy": settings.policy,
        "default_headers": dict(settings.headers),
        "default_query": dict(settings.query),
        "keep_unknown_fields": settings.keep_unknown,
        "truncated_streams": settings.truncated,
        "max_event_bytes": settings.max_event_bytes,
        "include_usage": settings.include_usage,
        "resume_streams": settings.resume_streams,
        "_strict_response_validation": settings.strict,
        "_enforce_credentials": provider.api_key is not None or provider.admin_api_key is not None,
        **transport.arguments(),
    }
    for name, variable in (("api_key", "OPENAI_API_KEY"), ("admin_api_key", "OPENAI_ADMIN_KEY")):
        key: object = getattr(provider, name)
        if callable(key):
            arguments[name] = _importable(name, key)
        elif key is not None and name not in provider.from_env:
            raise _refusal(
                f"{name}= given as text",
                f"set {variable} where the client is used, or pass a function that can be imported",
            )
    for kind, names in (("default_headers", settings.headers), ("default_query", settings.query)):
        for name in names:
            if is_secret_header(name):
                raise _refusal(f"{name!r} in {kind}", "which may be a secret: add it where the client is used")
    if settings.middleware:
        arguments["middleware"] = tuple(_importable("middleware", function) for function in settings.middleware)
    if settings.trace is not None:
        arguments["trace"] = _importable("trace", settings.trace.function)
    if settings.usage is not None:
        arguments["usage"] = _importable("usage", settings.usage)
    if settings.log.logger is not LOGGER:
        arguments["logger"] = settings.log.logger
    if settings.log.level is not None:
        arguments["log_level"] = settings.log.level
    return arguments


def _importable(name: str, function: object) -> object:
    """Return a function that another process can import.

    What `__main__` defines counts as not importable: picklers such as cloudpickle would send it with all it refers to.
    """
    module: str = getattr(function, "__module__", None) or ""
    found: object = sys.modules.get(module)
    for part in str(getattr(function, "__qualname__", "?")).split("."):
        found = getattr(found, part, None)
    if found is not function or module == "__main__":
        raise _refusal(f"{name}= with {function!r}", "use a function on the top level of a module that can be imported")
    return function


def _refusal(what: str, instead: str) -> OpenAIError:
    return OpenAIError(f"a client with {what} cannot be pickled; {instead}")
