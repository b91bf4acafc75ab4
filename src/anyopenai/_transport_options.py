"""How a client's own transport is built: options and what the environment says become a `PoolTransport`; no I/O here.

The environment itself is read by the client, which hands it over.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from ._contract import Omit, omit
from ._sansio.proxies import DIRECT, ProxyRules, rules_from, rules_from_environment
from .errors import OpenAIError

if TYPE_CHECKING:
    import ssl

    from .transport.base import Transport
    from .transport.dialing import Http2

__all__ = (
    "DEFAULT_CONNECTION_LIMITS",
    "ConnectionLimits",
    "ConnectionLimitsLike",
    "TransportOptions",
    "given_options",
    "refuse_beside",
)


class ConnectionLimits(NamedTuple):
    """How many connections a client's own transport may have.

    Attributes:
        max_connections: Open at once; more requests wait in line.
        max_keepalive_connections: Idle ones to keep.
        keepalive_expiry: How long an idle one is kept, in seconds.
        max_inflight: Requests under way at once, which HTTP/2 carries many of on a connection; None for 1000, or
            `max_connections` if that is more.
    """

    max_connections: int = 1000
    max_keepalive_connections: int = 1000
    keepalive_expiry: float = 30.0
    max_inflight: int | None = None


DEFAULT_CONNECTION_LIMITS: Final = ConnectionLimits()


class ConnectionLimitsLike(Protocol):
    """Limits as httpx has them too: None is no limit."""

    @property
    def max_connections(self) -> int | None:
        """Connections open at once."""
        ...

    @property
    def max_keepalive_connections(self) -> int | None:
        """Idle connections to keep."""
        ...

    @property
    def keepalive_expiry(self) -> float | None:
        """How long an idle connection is kept, in seconds."""
        ...


class TransportOptions(NamedTuple):
    """What a client's own transport is built from; shared by all views with the same connections.

    Attributes:
        proxies: Which proxy leads where.
        http2: Whether HTTP/2 is spoken: where the server chooses it, always, or never.
        ssl_context: TLS settings of the caller's own; None for shared ones that trust what the system trusts.
        limits: How many connections there may be.
        cert_file: The value of `SSL_CERT_FILE`.
        cert_dir: The value of `SSL_CERT_DIR`.
        own_proxies: The caller gave the proxies; else they are the environment's.
    """

    proxies: ProxyRules = DIRECT
    http2: Http2 = "auto"
    ssl_context: ssl.SSLContext | None = None
    limits: ConnectionLimits = DEFAULT_CONNECTION_LIMITS
    cert_file: str | None = None
    cert_dir: str | None = None
    own_proxies: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], given: Mapping[str, Any]) -> TransportOptions:
        """Return what the caller gave (see `given_options`), and for the rest what an environment says.

        Raises:
            OpenAIError: A proxy that the environment names cannot be used.
            TypeError: A value of the wrong kind.
            ValueError: A value that cannot be used.
        """
        proxies = DIRECT
        if "proxy" not in given:
            try:
                proxies = rules_from_environment(environ)
            except ValueError as error:
                raise OpenAIError(
                    f"the environment names a proxy that cannot be used: {error}; correct the variable, or pass "
                    "proxy=None for no proxy"
                ) from None
        options = cls(
            proxies, cert_file=environ.get("SSL_CERT_FILE") or None, cert_dir=environ.get("SSL_CERT_DIR") or None
        )
        return options.with_given(given)

    def with_given(self, given: Mapping[str, Any]) -> TransportOptions:
        """Return options with what the caller gave (see `given_options`) in place of what there is.

        Raises:
            TypeError: A value of the wrong kind.
            ValueError: A value that cannot be used.
        """
        changes = dict(given)
        if "limits" in changes:
            changes["limits"] = _limits_from(changes["limits"])
        if changes.get("http2", "auto") not in ("auto", True, False):
            raise ValueError(f'http2 must be "auto", True or False, not {changes["http2"]!r}')
        context: object = changes.get("ssl_context")
        if context is not None and not hasattr(context, "wrap_bio"):
            raise TypeError(f"ssl_context must be an ssl.SSLContext, not {type(context).__name__}")
        if "proxy" in changes:
            try:
                changes["proxies"] = rules_from(changes.pop("proxy"))
            except ValueError as error:
                raise ValueError(f"proxy= cannot be used: {error}") from None
            changes["own_proxies"] = True
        return self._replace(**changes) if changes else self

    def make(self) -> Transport:
        """Make the transport; loads the network libraries."""
        from .transport.pool import PoolTransport

        limits = self.limits
        return PoolTransport(
            max_connections=limits.max_connections,
            max_inflight=limits.max_inflight,
            max_keepalive=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            cert_file=self.cert_file,
            cert_dir=self.cert_dir,
            ssl_context=self.ssl_context,
            proxy=self.proxies,
            http2=self.http2,
        )

    def arguments(self) -> dict[str, Any]:
        """Return the client's arguments that make the same options in another process, with its own environment.

        Raises:
            OpenAIError: An option cannot travel.
        """
        if self.ssl_context is not None:
            raise OpenAIError(
                "a client with ssl_context= cannot be pickled, as a context holds keys of this process; make the client "
                "where it is used, or name the authorities to trust in SSL_CERT_FILE there"
            )
        arguments: dict[str, Any] = {}
        if self.limits != DEFAULT_CONNECTION_LIMITS:
            arguments["limits"] = self.limits
        if self.http2 != "auto":
            arguments["http2"] = self.http2
        if self.own_proxies:
            if self.proxies.has_credentials:
                raise OpenAIError(
                    "a client with a user name in proxy= cannot be pickled, as its password would go along; "
                    "set HTTPS_PROXY where the client is used"
                )
            arguments["proxy"] = self.proxies.patterns or None
        return arguments


def given_options(*, proxy: object = omit, **options: object) -> dict[str, object]:
    """Return the options that were given: those that are not None; of a proxy, None is "no proxy"."""
    given = {name: value for name, value in options.items() if value is not None and not isinstance(value, Omit)}
    return given if isinstance(proxy, Omit) else {"proxy": proxy, **given}


def refuse_beside(other: str, given: Mapping[str, object]) -> None:
    """Refuse options of the default transport where another transport carries the requests.

    Args:
        other: The argument that brings the other transport, such as `"transport"`.
        given: The options that were given.

    Raises:
        TypeError: There is one; the message names both.
    """
    for name in given:
        raise TypeError(
            f"{other}= and {name}= exclude each other: {name}= is about the client's own connections, and {other}= "
            f"brings others; set it up there, or leave {other}= out"
        )


def _limits_from(given: ConnectionLimitsLike) -> ConnectionLimits:
    """Read limits in our form or httpx's."""
    try:
        connections, keepalive, expiry = (
            given.max_connections,
            given.max_keepalive_connections,
            given.keepalive_expiry,
        )
    except AttributeError:
        raise TypeError(f"limits must be a ConnectionLimits or an httpx.Limits, not {type(given).__name__}") from None
    # httpx has no such limit.
    inflight: object = getattr(given, "max_inflight", None)
    connections = sys.maxsize if connections is None else connections
    keepalive = connections if keepalive is None else keepalive
    expiry = math.inf if expiry is None else expiry
    for name, value, least in (
        ("max_connections", connections, 1),
        ("max_keepalive_connections", keepalive, 0),
        ("keepalive_expiry", expiry, 0),
        ("max_inflight", 1 if inflight is None else inflight, 1),
    ):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"limits: {name} must be a number or None, not {value!r}")
        if not value >= least:
            raise ValueError(f"limits: {name} must be at least {least}, not {value!r}")
    return ConnectionLimits(connections, keepalive, expiry, cast("int | None", inflight))
