"""Who is talked to: the `Provider` protocol and OpenAI's own API behind it; where requests go and what proves who sends them.

A provider is composed into a client; it never sends anything itself. Its values come from the client's arguments or,
in `OpenAIProvider.from_environment`, from the environment.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from .._contract import Omit, omit
from .._sansio.urls import URL, parse_url
from ..errors import MissingCredentialsError, OpenAIError, status_error_class

if TYPE_CHECKING:
    from ..errors import APIStatusError
    from ..transport.base import WireRequest

__all__ = ("ApiKey", "OpenAIProvider", "Provider", "Security", "base_url_from", "bearer")

Security: TypeAlias = Literal["bearer", "admin"]
"""Which key an operation takes."""

ApiKey: TypeAlias = str | Callable[[], Awaitable[str]]
"""A key, or an asynchronous function that returns one and is asked again for every attempt."""

OPENAI_BASE_URL = "https://api.openai.com/v1"


def base_url_from(url: object) -> URL:
    """Take a base URL apart.

    Args:
        url: Text, or an object whose `str` is a URL.

    Raises:
        OpenAIError: It is not an absolute http or https URL.
    """
    if isinstance(url, URL):
        return url
    try:
        return parse_url(str(url))
    except ValueError as error:
        raise OpenAIError(f"base_url cannot be used: {error}") from None


class Provider(Protocol):
    """Who requests are made to: where they go, what they must carry, and how refusals are read.

    Providers are values: a client with other options holds another provider, so nothing here is changed in place.
    """

    @property
    def base_url(self) -> URL:
        """Where the API lives; credentials go to its origin only."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Fields that go with every request and are no secrets."""
        ...

    def url_for(self, path: str, body: Mapping[str, object] | None) -> str:
        """Return the path below the base URL for an operation's path (arguments escaped, starting with `/`)."""
        ...

    def rewrite(self, body: Mapping[str, object]) -> Mapping[str, object]:
        """Return the members of a body as this server takes them; the one that was given is not changed."""
        ...

    async def authorize(self, request: WireRequest, security: Security) -> None:
        """Add what proves who sends a request, as the last step before it is sent; asked for every attempt.

        Raises:
            MissingCredentialsError: There is nothing that this operation accepts.
        """
        ...

    def classify_error(self, status: int, body: object) -> type[APIStatusError]:
        """Return the exception class for a refusal; `body` is the decoded error object or text."""
        ...


class OpenAIProvider:
    """OpenAI's API, or a server that is compatible with it: keys travel as bearer tokens.

    Args:
        api_key: A key, an asynchronous function that returns one, or None.
        admin_api_key: The key of organisation endpoints.
        organization: Sent as `OpenAI-Organization`.
        project: Sent as `OpenAI-Project`.
        base_url: The API's root.
        from_env: Names of the keys among these that were read from the environment.
    """

    __slots__ = (
        "_admin",
        "_bearer",
        "admin_api_key",
        "api_key",
        "base_url",
        "from_env",
        "headers",
        "organization",
        "project",
    )

    def __init__(
        self,
        *,
        api_key: ApiKey | None = None,
        admin_api_key: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        base_url: object = OPENAI_BASE_URL,
        from_env: frozenset[str] = frozenset(),
    ) -> None:
        if api_key is not None and not isinstance(api_key, str) and not callable(api_key):
            raise TypeError(f"api_key must be text or an asynchronous function, not {type(api_key).__name__}")
        self.api_key: str | Callable[[], Awaitable[str]] | None = api_key
        self.admin_api_key: str | None = admin_api_key
        self.organization: str | None = organization
        self.project: str | None = project
        self.from_env: frozenset[str] = from_env
        self.base_url: URL = base_url_from(base_url)
        self.headers: Mapping[str, str] = {
            name: value
            for name, value in (("openai-organization", organization), ("openai-project", project))
            if value is not None
        }
        self._bearer = bearer(api_key) if isinstance(api_key, str) else None
        self._admin = bearer(admin_api_key) if admin_api_key is not None else None

    @classmethod
    def from_environment(
        cls,
        *,
        api_key: ApiKey | None,
        admin_api_key: str | None,
        organization: str | None,
        project: str | None,
        base_url: object,
        required: bool,
    ) -> OpenAIProvider:
        """Fill what is None from `OPENAI_API_KEY`, `OPENAI_ADMIN_KEY`, `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` and `OPENAI_BASE_URL`.

        Args:
            api_key: As for the class.
            admin_api_key: As for the class.
            organization: As for the class.
            project: As for the class.
            base_url: As for the class; None or an omit marker for the environment's or OpenAI's.
            required: Refuse to be without any key.

        Raises:
            OpenAIError: There is no key at all, or the base URL cannot be read.
        """
        env = os.environ.get
        from_env = {name for name, value in (("api_key", api_key), ("admin_api_key", admin_api_key)) if value is None}
        # An empty variable or argument is no key: shells export empty ones by accident.
        api_key = (env("OPENAI_API_KEY") if api_key is None else api_key) or None
        admin_api_key = (env("OPENAI_ADMIN_KEY") if admin_api_key is None else admin_api_key) or None
        if required and api_key is None and admin_api_key is None:
            raise OpenAIError(
                "there is no API key: set the environment variable OPENAI_API_KEY (or OPENAI_ADMIN_KEY), "
                "or pass api_key= (or admin_api_key=) to OpenAI()"
            )
        if base_url is None or isinstance(base_url, Omit):
            base_url = env("OPENAI_BASE_URL") or OPENAI_BASE_URL
        return cls(
            api_key=api_key,
            admin_api_key=admin_api_key,
            organization=env("OPENAI_ORG_ID") if organization is None else organization,
            project=env("OPENAI_PROJECT_ID") if project is None else project,
            base_url=base_url,
            from_env=frozenset(from_env),
        )

    def replace(
        self,
        *,
        api_key: ApiKey | None | Omit = omit,
        admin_api_key: str | None | Omit = omit,
        organization: str | None | Omit = omit,
        project: str | None | Omit = omit,
        base_url: object = omit,
    ) -> OpenAIProvider:
        """Return a provider with some values replaced."""
        return OpenAIProvider(
            api_key=self.api_key if isinstance(api_key, Omit) else api_key,
            admin_api_key=self.admin_api_key if isinstance(admin_api_key, Omit) else admin_api_key,
            organization=self.organization if isinstance(organization, Omit) else organization,
            project=self.project if isinstance(project, Omit) else project,
            base_url=self.base_url if isinstance(base_url, Omit) else base_url,
            from_env=self.from_env
            - {name for name, value in (("api_key", api_key), ("admin_api_key", admin_api_key)) if value is not omit},
        )

    @property
    def auth_headers(self) -> dict[str, str]:
        """The credentials of ordinary requests; empty when a function gives them."""
        return {"Authorization": f"Bearer {self.api_key}"} if isinstance(self.api_key, str) else {}

    def url_for(self, path: str, body: Mapping[str, object] | None) -> str:
        """Return the path as it is: below the base URL, OpenAI's operations are where their paths say."""
        return path

    def rewrite(self, body: Mapping[str, object]) -> Mapping[str, object]:
        """Return the body as it is."""
        return body

    async def authorize(self, request: WireRequest, security: Security) -> None:
        """Add `Authorization`; a key function is asked now, so that a repeated attempt has a fresh key.

        Raises:
            MissingCredentialsError: The client has no key of the kind that the operation takes.
            OpenAIError: The key function returned something that is no key.
        """
        value = self._admin if security == "admin" else self._bearer
        if value is None:
            if security == "admin" or self.api_key is None or isinstance(self.api_key, str):
                # Azure and gateways take keys under these names, which the caller may have given as headers.
                if any(name in _OTHER_KEYS for name, _ in request.headers):
                    return
                raise MissingCredentialsError(_MISSING[security])
            key: object = self.api_key()
            if isawaitable(key):
                key = await key
            value = bearer(key)
        request.headers.append((b"authorization", value))

    def classify_error(self, status: int, body: object) -> type[APIStatusError]:
        """Return the class that belongs to the status."""
        return status_error_class(status)

    def __repr__(self) -> str:
        return f"<OpenAIProvider {self.base_url}>"

    def __reduce__(self) -> str:
        raise OpenAIError(
            "a provider holds API keys and is not pickled; pickle the client, or build it where it is used, with the key "
            "from the environment variable OPENAI_API_KEY or from a function"
        )


_OTHER_KEYS = frozenset({b"api-key", b"x-api-key"})

_MISSING: dict[Security, str] = {
    "bearer": (
        "this operation needs an API key and the client has none: pass api_key= to OpenAI() or set OPENAI_API_KEY, "
        "or give an Authorization header of your own in extra_headers or default_headers"
    ),
    "admin": (
        "this operation needs an admin key and the client has none: pass admin_api_key= to OpenAI() or set "
        "OPENAI_ADMIN_KEY, or give an Authorization header of your own in extra_headers or default_headers"
    ),
}


def bearer(key: object) -> bytes:
    """Return the value of `Authorization` for a key.

    Raises:
        OpenAIError: It is not text, is empty, or has characters that no header may carry. The message never shows it.
    """
    if not isinstance(key, str) or not key:
        raise OpenAIError(f"an API key must be non-empty text, and this one is {type(key).__name__}, maybe empty")
    if not key.isascii() or not key.isprintable():
        raise OpenAIError(
            f"the API key ({len(key)} characters, not shown) has a line break or another character that a header cannot "
            "carry; strip it, for example after reading it from a file"
        )
    return b"Bearer " + key.encode("ascii")
