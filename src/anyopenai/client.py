"""`OpenAI`, the client: its options, the environment they default to, and views with other options; no pipeline here.

Longer than most modules because every option stands in the constructor, in `copy` and as a property.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Protocol, Self, TypeAlias, cast

from ._contract import Omit, omit
from ._engine.endpoints import Endpoints
from ._engine.engine import Carrier, Engine
from ._engine.logs import LOGGER, Log, level_from, show_on_stderr
from ._engine.prepare import checked_deadline, with_retries
from ._engine.settings import DEFAULT_LIMITS, DEFAULT_POLICY, Limits, Settings, Truncated, UsageCounter, limits_of
from ._engine.travel import arguments_for
from ._resource import Resource
from ._sansio.retry import RetryPolicy
from ._sansio.sse import MAX_EVENT_BYTES
from ._timeouts import Seconds, Timeout
from ._transport_options import (
    DEFAULT_CONNECTION_LIMITS,
    ConnectionLimits,
    ConnectionLimitsLike,
    TransportOptions,
    given_options,
    refuse_beside,
)
from ._version import __version__
from .errors import NotYetSupportedError, OpenAIError
from .providers.base import ApiKey, OpenAIProvider
from .resources._namespaces import Namespaces

if TYPE_CHECKING:
    import ssl

    from .providers.base import Provider
    from .transport.base import Middleware, Trace, Transport
    from .transport.pool import PoolStats

__all__ = (
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "ConnectionLimits",
    "DataResidency",
    "OpenAI",
    "ProxiesTypes",
)

DEFAULT_MAX_RETRIES: Final = DEFAULT_POLICY.max_retries

DataResidency: TypeAlias = Literal["global", "us", "eu", "ae", "au", "in", "jp"]
"""Where data is kept, as `data_residency=` will take it."""

ProxiesTypes: TypeAlias = str | Mapping[str, str | None]
"""A proxy's URL, or a mapping of patterns (`"https"`, `"all://*.example.com"`) to such URLs or None."""


class URLLike(Protocol):
    """A URL object of another package, such as httpx's: its `str` is the URL."""

    @property
    def host(self) -> str:
        """The host name; it tells a URL from other objects."""
        ...


_USER_AGENT: Final = f"anyopenai/{__version__}"

_LATER: Final = {
    "workload_identity": "workload identity is not there yet; pass an asynchronous function as api_key= that returns a token",
    "data_residency": "data residency is not there yet; pass the region's address as base_url=",
    "websocket_base_url": "WebSocket sessions are not there yet; leave websocket_base_url out",
}


def _refuse_later(**given: object) -> None:
    """Refuse options whose feature this version does not have.

    Raises:
        NotYetSupportedError: One was given.
    """
    for name, value in given.items():
        if value is not None and value is not omit:
            raise NotYetSupportedError(f"{name}=: {_LATER[name]}")


def _log_from(logger: logging.Logger | None, level: int | str | None) -> Log:
    """Choose where a client's log goes: its own arguments, else `OPENAI_LOG`."""
    if level is not None:
        return Log(logger or LOGGER, level_from(level))
    wanted = os.environ.get("OPENAI_LOG", "")
    if logger is None and wanted.lower() in ("debug", "info"):
        show_on_stderr(level_from(wanted))
    return Log(logger or LOGGER)


def _headers_from_environment() -> dict[str, str]:
    """Read default headers from `OPENAI_CUSTOM_HEADERS`: a line `Name: value` for each."""
    headers: dict[str, str] = {}
    for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            headers[name.strip()] = value.strip()
    return headers


def _added(headers: Mapping[str, str | Omit], more: Mapping[str, str | Omit]) -> dict[str, str | Omit]:
    """Add headers to others; what has the same name, whatever its case, is replaced."""
    names = {name.lower() for name in more}
    return {**{name: value for name, value in headers.items() if name.lower() not in names}, **more}


def _chosen_transport(
    transport: Transport | None, http_client: object | None, given: Mapping[str, object]
) -> Transport | None:
    """Return what carries the requests instead of the package's own pool; None for the pool.

    Raises:
        TypeError: Options exclude each other, or nothing here knows how to use the client.
    """
    if http_client is not None:
        if transport is not None:
            raise TypeError(
                "transport= and http_client= exclude each other: each of them carries the requests; give one"
            )
        refuse_beside("http_client", given)
        from .transport.adapters.recognition import transport_from_client

        return transport_from_client(http_client)
    if transport is not None:
        refuse_beside("transport", given)
        # It has `send` and `aclose` too, and means something else by them.
        if any(kind.__module__.partition(".")[0] in ("httpx", "httpx2", "aiohttp") for kind in type(transport).__mro__):
            raise TypeError(f"transport= got an HTTP client ({type(transport).__name__}); pass it as http_client=")
    return transport


def _limits_from(timeout: float | Timeout | None | Omit, http_client: object | None) -> Limits:
    """Choose the time limits: those given, else those that the HTTP client was given, else the default."""
    if not isinstance(timeout, Omit):
        return limits_of(timeout)
    if http_client is not None:
        from .transport.adapters.recognition import timeout_of

        theirs = timeout_of(http_client)
        if theirs is not None:
            return limits_of(theirs)
    return DEFAULT_LIMITS


def _policy_from(policy: RetryPolicy | None, max_retries: object) -> RetryPolicy:
    base = policy or DEFAULT_POLICY
    if max_retries is None:
        raise TypeError("max_retries must be a whole number, not None; write 0 for no retries")
    return base if isinstance(max_retries, Omit) else with_retries(base, max_retries)


class OpenAI(Namespaces, Endpoints):
    """A client of OpenAI's API, or of a server that is compatible with it; asynchronous, for asyncio and for trio.

    ::

        async with OpenAI() as client:
            response = await client.responses.create(model="gpt-5.5", input="Say hello")

    It works without `async with` too: then `await client.close()` when done with it. It belongs to no task and needs
    no running event loop to be made. One client serves any number of concurrent calls, and is cheap to derive from
    (`with_options`). Every call can be cancelled at any point.

    What is None is taken from the environment: `OPENAI_API_KEY`, `OPENAI_ADMIN_KEY`, `OPENAI_ORG_ID`,
    `OPENAI_PROJECT_ID`, `OPENAI_BASE_URL`, `OPENAI_WEBHOOK_SECRET`, `OPENAI_LOG` (`debug` or `info`). Lines
    `Name: value` in `OPENAI_CUSTOM_HEADERS` are default headers that `default_headers` beats. `HTTPS_PROXY`, `HTTP_PROXY`,
    `ALL_PROXY` and `NO_PROXY` name proxies, `SSL_CERT_FILE` and `SSL_CERT_DIR` the authorities to trust.

    Args:
        api_key: The key, or an asynchronous function that returns one and is asked for every attempt.
        admin_api_key: The key of organisation endpoints.
        workload_identity: Not supported yet.
        organization: Sent as `OpenAI-Organization`.
        project: Sent as `OpenAI-Project`.
        webhook_secret: What incoming webhooks are signed with.
        provider: Another `Provider` than OpenAI's API; excludes the keys and `base_url`.
        base_url: The API's root, such as `http://localhost:11434/v1`, or `http+unix://%2Frun%2Fserver.sock/v1` for a
            server on a Unix socket.
        data_residency: Not supported yet.
        websocket_base_url: Not supported yet.
        timeout: Seconds, a `Timeout`, or None for no limit; ten minutes by default.
        deadline: Seconds that bound each call as a whole: queueing, attempts, back-off, the answer or stream.
        max_retries: How often a failed attempt is repeated; 0 for never.
        default_headers: Added to every request; `omit` as a value removes one of the package's own.
        default_query: Parameters added to every request.
        http_client: An `httpx.AsyncClient`, `httpx2.AsyncClient` or `aiohttp.ClientSession` that carries the requests, as
            it is configured; closed with the client. Its timeout holds unless `timeout` is given, or it is its
            library's default. See `HttpxTransport` and `AiohttpTransport` for what stays in force.
        transport: Carries the requests instead of the package's own connection pool; closed with the client.
        http2: `"auto"`, the default, speaks HTTP/2 where the server chooses it in the TLS handshake; True speaks nothing
            else, in clear text too; False never does.
        proxy: What leads to servers, instead of what the environment says: a proxy's URL (`http://`, `https://`,
            `socks5://` or `socks5h://`, with credentials where it wants some), a mapping of patterns to such URLs or
            None, or None for no proxy at all.
        ssl_context: TLS settings of your own for the package's connections, such as one with a client certificate.
        limits: How many connections the package's own pool may have: a `ConnectionLimits` or an `httpx.Limits`.
        middleware: Called around every attempt, the first one outermost; sees no credentials.
        logger: Where log records go instead of the logger `anyopenai`.
        log_level: The least severe level to log, for this client.
        trace: Called with an event's name and facts; must not block.
        keep_unknown_fields: Keep members of answers that their types do not know.
        truncated_streams: What a stream does that ends before its end marker.
        max_event_bytes: Largest event of a stream; a larger one raises `MalformedEvent`.
        usage: Is told the `Usage` of each call once it is known: a `UsageLedger`, one tag of it, or a function that does
            not block.
        include_usage: Ask chat streams for their usage where a call's `stream_options` do not say; as a rule if `usage` is
            given.
        resume_streams: Whether the stream of a response in the background goes on over another connection when it loses
            its own, without a gap; False raises `StreamTruncated` at once. Of other streams the server keeps no events.
        retry_policy: How patiently failed attempts are repeated; `max_retries` beats its number.
        _strict_response_validation: Raise where an answer does not fit its type, instead of keeping what there is.
        _enforce_credentials: False allows a client without any key, for calls with an `Authorization` (or `api-key`)
            header of their own.

    Raises:
        OpenAIError: There is no key, or the base URL cannot be used.
        NotYetSupportedError: An option whose feature this version does not have.
        TypeError: A value of the wrong kind, or `transport` together with an option of the package's own connections.
    """

    webhook_secret: str | None

    def __init__(
        self,
        *,
        api_key: ApiKey | None = None,
        admin_api_key: str | None = None,
        workload_identity: object | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        provider: Provider | None = None,
        base_url: str | URLLike | None | Omit = None,
        data_residency: DataResidency | None = None,
        websocket_base_url: str | URLLike | None = None,
        timeout: float | Timeout | None | Omit = omit,
        deadline: float | None = None,
        max_retries: int | Omit = omit,
        default_headers: Mapping[str, str | Omit] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: object | None = None,
        transport: Transport | None = None,
        http2: Literal["auto"] | bool | Omit = omit,
        proxy: ProxiesTypes | None | Omit = omit,
        ssl_context: ssl.SSLContext | None = None,
        limits: ConnectionLimitsLike | None = None,
        middleware: Sequence[Middleware] = (),
        logger: logging.Logger | None = None,
        log_level: int | str | None = None,
        trace: Trace | None = None,
        keep_unknown_fields: bool = False,
        truncated_streams: Truncated = "raise",
        max_event_bytes: int = MAX_EVENT_BYTES,
        usage: UsageCounter | None = None,
        include_usage: bool | None = None,
        resume_streams: bool = True,
        retry_policy: RetryPolicy | None = None,
        _strict_response_validation: bool = False,
        _enforce_credentials: bool = True,
    ) -> None:
        _refuse_later(
            workload_identity=workload_identity,
            data_residency=data_residency,
            websocket_base_url=websocket_base_url,
        )
        if provider is None:
            provider = OpenAIProvider.from_environment(
                api_key=api_key,
                admin_api_key=admin_api_key,
                organization=organization,
                project=project,
                base_url=base_url,
                required=_enforce_credentials,
            )
        else:
            _check_provider(provider, api_key=api_key, admin_api_key=admin_api_key, base_url=base_url)
        _check_truncated(truncated_streams)
        settings = Settings(
            provider,
            user_agent=_USER_AGENT,
            limits=_limits_from(timeout, http_client),
            deadline=checked_deadline(deadline),
            policy=_policy_from(retry_policy, max_retries),
            headers=_added(_headers_from_environment(), default_headers or {}),
            query=dict(default_query or {}),
            middleware=middleware,
            trace=trace,
            keep_unknown=keep_unknown_fields,
            strict=_strict_response_validation,
            truncated=truncated_streams,
            max_event_bytes=_checked_event_bytes(max_event_bytes),
            usage=usage,
            include_usage=usage is not None if include_usage is None else include_usage,
            resume_streams=resume_streams,
            log=_log_from(logger, log_level),
        )
        given = given_options(proxy=proxy, http2=http2, ssl_context=ssl_context, limits=limits)
        transport = _chosen_transport(transport, http_client, given)
        if transport is not None:
            self._transport_options = TransportOptions()
        else:
            self._transport_options = TransportOptions.from_environment(os.environ, given)
        self._caller = Engine(Carrier(self._transport_options.make, transport), settings)
        self.webhook_secret = os.environ.get("OPENAI_WEBHOOK_SECRET") if webhook_secret is None else webhook_secret
        self._webhook_secret_given = webhook_secret is not None

    # Options as properties: they can be set on a living client, and hold from the next call on.

    @property
    def _engine(self) -> Engine:
        return cast("Engine", self._caller)

    @property
    def _settings(self) -> Settings:
        return self._engine.settings

    def _change(self, **changes: object) -> None:
        engine = self._engine
        engine.settings = engine.settings.replaced(**changes)

    def _openai(self) -> OpenAIProvider:
        provider = self._settings.provider
        if not isinstance(provider, OpenAIProvider):
            raise OpenAIError(f"this client has the provider {provider!r}, which has keys and addresses of its own")
        return provider

    @property
    def base_url(self) -> str:
        """The API's root, with a slash at its end."""
        url = self._settings.provider.base_url
        query = f"?{url.query}" if url.query else ""
        return f"{url.scheme}://{url.authority}{url.path.rstrip('/')}/{query}"

    @base_url.setter
    def base_url(self, url: str | URLLike) -> None:
        self._change(provider=self._openai().replace(base_url=url))

    @property
    def api_key(self) -> str:
        """The key; "" when a function gives it, or there is none."""
        provider = self._settings.provider
        key = provider.api_key if isinstance(provider, OpenAIProvider) else None
        return key if isinstance(key, str) else ""

    @api_key.setter
    def api_key(self, key: ApiKey | None) -> None:
        self._change(provider=self._openai().replace(api_key=key))

    @property
    def admin_api_key(self) -> str | None:
        """The key of organisation endpoints."""
        provider = self._settings.provider
        return provider.admin_api_key if isinstance(provider, OpenAIProvider) else None

    @admin_api_key.setter
    def admin_api_key(self, key: str | None) -> None:
        self._change(provider=self._openai().replace(admin_api_key=key))

    @property
    def organization(self) -> str | None:
        """What is sent as `OpenAI-Organization`."""
        provider = self._settings.provider
        return provider.organization if isinstance(provider, OpenAIProvider) else None

    @organization.setter
    def organization(self, organization: str | None) -> None:
        self._change(provider=self._openai().replace(organization=organization))

    @property
    def project(self) -> str | None:
        """What is sent as `OpenAI-Project`."""
        provider = self._settings.provider
        return provider.project if isinstance(provider, OpenAIProvider) else None

    @project.setter
    def project(self, project: str | None) -> None:
        self._change(provider=self._openai().replace(project=project))

    @property
    def timeout(self) -> Timeout | float | None:
        """How long each part of an attempt may take: seconds, a `Timeout`, or None for no limit, as it was given."""
        timeout = self._settings.limits.timeout
        return timeout.total if isinstance(timeout, Seconds) else timeout

    @timeout.setter
    def timeout(self, timeout: float | Timeout | None) -> None:
        self._change(limits=limits_of(timeout))

    @property
    def deadline(self) -> float | None:
        """How long each call may take as a whole, in seconds; None for no limit."""
        return self._settings.deadline

    @property
    def max_retries(self) -> int:
        """How often a failed attempt is repeated."""
        return self._settings.policy.max_retries

    @max_retries.setter
    def max_retries(self, max_retries: int) -> None:
        self._change(policy=with_retries(self._settings.policy, max_retries))

    @property
    def user_agent(self) -> str:
        """What is sent as `User-Agent` unless `default_headers` has another."""
        return _USER_AGENT

    @property
    def auth_headers(self) -> dict[str, str]:
        """The credentials of ordinary requests; empty when a function gives them."""
        provider = self._settings.provider
        return provider.auth_headers if isinstance(provider, OpenAIProvider) else {}

    @property
    def default_headers(self) -> dict[str, str | Omit]:
        """What every JSON request carries beside its credentials."""
        settings = self._settings
        headers: dict[str, str | Omit] = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
        }
        provider = settings.provider
        if isinstance(provider, OpenAIProvider):
            headers["OpenAI-Organization"] = provider.organization or omit
            headers["OpenAI-Project"] = provider.project or omit
        for name, value in settings.headers.items():
            for known in [key for key in headers if key.lower() == name.lower()]:
                del headers[known]
            headers[name] = value
        return headers

    @property
    def default_query(self) -> dict[str, object]:
        """Parameters that every request carries."""
        return dict(self._settings.query)

    # Views.

    def copy(
        self,
        *,
        api_key: ApiKey | None = None,
        admin_api_key: str | None = None,
        workload_identity: object | None = None,
        provider: Provider | None | Omit = omit,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        websocket_base_url: str | URLLike | None = None,
        base_url: str | URLLike | None | Omit = omit,
        data_residency: DataResidency | None = None,
        timeout: float | Timeout | None | Omit = omit,
        deadline: float | None | Omit = omit,
        http_client: object | None = None,
        transport: Transport | None = None,
        http2: Literal["auto"] | bool | Omit = omit,
        proxy: ProxiesTypes | None | Omit = omit,
        ssl_context: ssl.SSLContext | None = None,
        limits: ConnectionLimitsLike | None = None,
        max_retries: int | Omit = omit,
        default_headers: Mapping[str, str | Omit] | None = None,
        set_default_headers: Mapping[str, str | Omit] | None = None,
        default_query: Mapping[str, object] | None = None,
        set_default_query: Mapping[str, object] | None = None,
        middleware: Sequence[Middleware] | Omit = omit,
        logger: logging.Logger | None = None,
        log_level: int | str | None = None,
        trace: Trace | None | Omit = omit,
        keep_unknown_fields: bool | Omit = omit,
        truncated_streams: Truncated | Omit = omit,
        max_event_bytes: int | Omit = omit,
        usage: UsageCounter | None | Omit = omit,
        include_usage: bool | None = None,
        resume_streams: bool | Omit = omit,
        retry_policy: RetryPolicy | None = None,
        _strict_response_validation: bool | Omit = omit,
        _enforce_credentials: bool | None = None,
        _extra_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return a client with some options replaced; it shares the connections, and this one stays as it is.

        It is cheap: make one for a single call where that reads best. Closing either closes the connections of both;
        dropping one closes nothing.

        Args:
            api_key: As for the class; None keeps what there is, here and below.
            admin_api_key: As for the class.
            workload_identity: Not supported yet.
            provider: As for the class.
            organization: As for the class.
            project: As for the class.
            webhook_secret: As for the class.
            websocket_base_url: Not supported yet.
            base_url: As for the class.
            data_residency: Not supported yet.
            timeout: As for the class; None is no limit.
            deadline: As for the class; None is no limit.
            http_client: As for the class, for the new client alone.
            transport: Another transport, for the new client alone.
            http2: As for the class; the new client has connections of its own then, here and below.
            proxy: As for the class.
            ssl_context: As for the class.
            limits: As for the class.
            max_retries: As for the class.
            default_headers: Added to those there are.
            set_default_headers: Instead of those there are.
            default_query: Added to the parameters there are.
            set_default_query: Instead of the parameters there are.
            middleware: Instead of the middleware there is.
            logger: As for the class.
            log_level: As for the class.
            trace: As for the class; None for none.
            keep_unknown_fields: As for the class.
            truncated_streams: As for the class.
            max_event_bytes: As for the class.
            usage: As for the class; None for none.
            include_usage: As for the class.
            resume_streams: As for the class.
            retry_policy: As for the class.
            _strict_response_validation: As for the class.
            _enforce_credentials: Accepted; a client that has no key says so when a call needs one.
            _extra_kwargs: More of these arguments.

        Raises:
            ValueError: Both ways to give headers, or parameters, were used.
            TypeError: An argument that there is not, or a value of the wrong kind.
        """
        if _extra_kwargs:
            given = {name: value for name, value in locals().items() if name not in ("self", "_extra_kwargs")}
            return self.copy(**{**given, **_extra_kwargs})
        _refuse_later(
            workload_identity=workload_identity,
            data_residency=data_residency,
            websocket_base_url=websocket_base_url,
        )
        if default_headers is not None and set_default_headers is not None:
            raise ValueError(
                "default_headers adds to the client's headers and set_default_headers replaces them; give one"
            )
        if default_query is not None and set_default_query is not None:
            raise ValueError(
                "default_query adds to the client's parameters and set_default_query replaces them; give one"
            )
        old = self._settings
        changes: dict[str, object] = {}
        replaced = {
            name: value
            for name, value in (
                ("api_key", api_key),
                ("admin_api_key", admin_api_key),
                ("organization", organization),
                ("project", project),
                ("base_url", base_url),
            )
            if value is not None and not isinstance(value, Omit)
        }
        if provider is not None and not isinstance(provider, Omit):
            _check_provider(provider, **replaced)
            changes["provider"] = provider
        elif replaced:
            changes["provider"] = self._openai().replace(**cast("dict[str, Any]", replaced))
        if set_default_headers is not None:
            changes["headers"] = dict(set_default_headers)
        elif default_headers is not None:
            changes["headers"] = _added(old.headers, default_headers)
        if set_default_query is not None:
            changes["query"] = dict(set_default_query)
        elif default_query is not None:
            changes["query"] = {**old.query, **default_query}
        if not isinstance(timeout, Omit):
            changes["limits"] = limits_of(timeout)
        if not isinstance(deadline, Omit):
            changes["deadline"] = checked_deadline(deadline)
        if retry_policy is not None or not isinstance(max_retries, Omit):
            changes["policy"] = _policy_from(retry_policy or old.policy, max_retries)
        if not isinstance(middleware, Omit):
            changes["middleware"] = tuple(middleware)
        if logger is not None or log_level is not None:
            changes["log"] = Log(
                logger or old.log.logger, old.log.level if log_level is None else level_from(log_level)
            )
        if not isinstance(trace, Omit):
            changes["trace"] = trace
        if not isinstance(keep_unknown_fields, Omit):
            changes["keep_unknown"] = keep_unknown_fields
        if not isinstance(truncated_streams, Omit):
            _check_truncated(truncated_streams)
            changes["truncated"] = truncated_streams
        if not isinstance(max_event_bytes, Omit):
            changes["max_event_bytes"] = _checked_event_bytes(max_event_bytes)
        if not isinstance(usage, Omit):
            changes["usage"] = usage
            if usage is not None:
                changes["include_usage"] = True
        if include_usage is not None:
            changes["include_usage"] = include_usage
        if not isinstance(resume_streams, Omit):
            changes["resume_streams"] = resume_streams
        if not isinstance(_strict_response_validation, Omit):
            changes["strict"] = _strict_response_validation
        given = given_options(proxy=proxy, http2=http2, ssl_context=ssl_context, limits=limits)
        carrier = self._engine.carrier
        transport = _chosen_transport(transport, http_client, given)
        if carrier.given:
            refuse_beside("transport", given)
        options = self._transport_options.with_given(given)
        if transport is not None or given:
            carrier = Carrier(options.make, transport)
        view = object.__new__(type(self))
        # Attributes of a subclass go along; namespaces hold this client's engine and are made anew.
        view.__dict__.update({k: v for k, v in self.__dict__.items() if not isinstance(v, Resource)})
        view._transport_options = options
        view._caller = Engine(carrier, old.replaced(**changes) if changes else old)
        if webhook_secret is not None:
            view.webhook_secret = webhook_secret
            view._webhook_secret_given = True
        return view

    with_options = copy

    # Life.

    def is_closed(self) -> bool:
        """Tell whether `close()` was called on this client or one that shares its connections."""
        return self._engine.carrier.closed

    def pool_stats(self) -> PoolStats | None:
        """Return the state of the client's connection pool at this moment; None where `transport=` is something else.

        Clients made by `with_options` share it. It never awaits and opens nothing, so it may be asked at any rate.
        """
        from .transport.pool import PoolStats, PoolTransport

        transport = self._engine.carrier.transport
        if transport is None:
            return PoolStats(0, 0, 0, 0, 0, 0, 0, 0)
        return transport.stats() if isinstance(transport, PoolTransport) else None

    async def close(self) -> None:
        """Close every connection, those of derived clients included; later calls raise `ClientClosedError`.

        Safe to repeat. Calls that are on their way end with `ClientClosedError`, whose `request_sent` says how far they were.
        """
        await self._engine.carrier.aclose()

    async def aclose(self) -> None:
        """Do the same as `close`."""
        await self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __enter__(self) -> NoReturn:
        raise TypeError("the client is async-only: use `async with`")

    def __exit__(self, *_: object) -> None:
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    def __copy__(self) -> Self:
        return self.copy()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as the arguments that make the same client elsewhere; no key travels.

        Raises:
            OpenAIError: An option holds, or may hold, a secret or a connection.
        """
        if self._webhook_secret_given:
            raise OpenAIError(
                "a client with webhook_secret= given as text cannot be pickled; set OPENAI_WEBHOOK_SECRET where it is used"
            )
        return _make_again, (type(self), arguments_for(self._settings, self._engine.carrier, self._transport_options))


def _make_again(cls: type[OpenAI], arguments: dict[str, Any]) -> OpenAI:
    """Make an unpickled client."""
    return cls(**arguments)


def _check_provider(provider: object, **excluded: object) -> None:
    """Refuse what is no provider, and what only OpenAI's own takes.

    Raises:
        NotYetSupportedError: It is another package's provider object.
        TypeError: A key or address was given beside it.
    """
    if not all(hasattr(provider, name) for name in ("authorize", "base_url", "url_for")):
        raise NotYetSupportedError(
            f"provider=: {type(provider).__name__} is no anyopenai Provider; cloud providers are not there yet"
        )
    for name, value in excluded.items():
        if value is not None and not isinstance(value, Omit):
            raise TypeError(f"provider= brings its own keys and address; leave {name}= out")


def _check_truncated(value: object) -> None:
    if value not in ("raise", "warn", "ignore"):
        raise ValueError(f'truncated_streams must be "raise", "warn" or "ignore", not {value!r}')


def _checked_event_bytes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"max_event_bytes must be a whole number of bytes, at least 1, not {value!r}")
    return value
