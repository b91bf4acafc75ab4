"""Which proxy leads where: proxies' URLs, rules by scheme and host, and what the environment says of them; no sockets.

Source: https://curl.se/docs/manpage.html#ENVIRONMENT (names, cases and the order of the variables)
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast
from urllib.parse import unquote_to_bytes

from ..errors import OpenAIError
from .bypass import NO_BYPASS, Bypass, parse_bypass
from .urls import split_authority

__all__ = ("DIRECT", "Proxy", "ProxyRules", "parse_proxy", "rules_from", "rules_from_environment")

_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*).*", re.DOTALL)

# RFC 1929: a length is one byte.
_SOCKS_MOST: Final = 255

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Proxy:
    """A proxy: where it is and how one logs in there. The credentials show nowhere.

    Attributes:
        scheme: `"http"` or `"https"` (HTTP, the latter over TLS), `"socks5"` (this side resolves names) or `"socks5h"`
            (the proxy does).
        host: Host name or address, without brackets.
        port: TCP port.
        username: Name to log in with, as bytes; None for no log-in.
        password: What proves it.
    """

    __slots__ = ("host", "password", "port", "scheme", "username")

    def __init__(self, scheme: str, host: str, port: int, username: bytes | None = None, password: bytes = b"") -> None:
        self.scheme: str = scheme
        self.host: str = host
        self.port: int = port
        self.username: bytes | None = username
        self.password: bytes = password

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, and not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def shown(self) -> str:
        """The URL as anybody may see it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def authorization(self) -> bytes | None:
        """The value of `Proxy-Authorization`; None for no log-in.

        Source: https://www.rfc-editor.org/rfc/rfc7617
        """
        if self.username is None:
            return None
        return b"Basic " + b64encode(self.username + b":" + self.password)

    def __repr__(self) -> str:
        return f"<Proxy {self.shown}{' with credentials' if self.username is not None else ''}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Proxy):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Proxy.__slots__)

    def __hash__(self) -> int:
        return hash((self.scheme, self.host, self.port, self.username, self.password))

    def __reduce__(self) -> tuple[object, ...]:
        if self.username is not None:
            raise OpenAIError("a proxy with a user name is not pickled, as its password would go along")
        return Proxy, (self.scheme, self.host, self.port)


def parse_proxy(text: str) -> Proxy:
    """Read a proxy's URL, such as `http://user:password@proxy.example:3128` or `socks5h://127.0.0.1:1080`.

    Without a scheme it is an HTTP proxy. `socks://` is `socks5h://`. Name and password are percent-encoded; a path is
    passed over.

    Raises:
        ValueError: It is none. The message shows no credentials.
    """
    text = text.strip()
    if "://" not in text:
        text = f"http://{text}"
    match = _URL.fullmatch(text)
    scheme = "" if match is None else match[1].lower()
    if scheme == "socks":
        # What desktops write into ALL_PROXY. There browsers let the proxy resolve names.
        scheme = "socks5h"
    if match is None or scheme not in _PORTS:
        raise ValueError(
            f"{text.rpartition('@')[2][:100]!r} is no proxy that can be used; write http://host:port, https://host:port, "
            "socks5://host:port or socks5h://host:port"
        )
    userinfo, at, authority = match[2].rpartition("@")
    try:
        host, port = split_authority(authority, _PORTS[scheme])
    except ValueError as error:
        raise ValueError(f"the proxy's address {authority[:100]!r} cannot be used: {error}") from None
    if not at:
        return Proxy(scheme, host, port)
    name, _, word = userinfo.partition(":")
    username, password = unquote_to_bytes(name), unquote_to_bytes(word)
    if scheme.startswith("socks"):
        if not 0 < len(username) <= _SOCKS_MOST or len(password) > _SOCKS_MOST:
            raise ValueError("a SOCKS proxy takes a user name of 1 to 255 bytes and a password of at most 255")
    elif b":" in username:
        raise ValueError("the user name for an HTTP proxy cannot have a colon in it (RFC 7617)")
    return Proxy(scheme, host, port, username, password)


class _Mount(NamedTuple):
    """Where a proxy, or none, is used.

    Attributes:
        pattern: As it was written.
        scheme: `"http"`, `"https"`, or "" for both.
        host: A host; "" for any.
        below: Names below the host are meant.
        itself: The host itself is meant.
        port: The only port that is meant; None for any.
        proxy: The proxy; None for none.
    """

    pattern: str
    scheme: str
    host: str
    below: bool
    itself: bool
    port: int | None
    proxy: Proxy | None

    def fits(self, scheme: str, host: str, port: int) -> bool:
        """Tell whether it is about an origin."""
        if self.scheme and self.scheme != scheme:
            return False
        if self.port is not None and self.port != port:
            return False
        if not self.host:
            return True
        return (self.itself and host == self.host) or (self.below and host.endswith(f".{self.host}"))

    @property
    def rank(self) -> tuple[bool, int, bool, bool]:
        """Sorts the more specific before the less."""
        return self.port is None, -len(self.host), self.below, not self.scheme


class ProxyRules:
    """Which proxy leads to which origin; never changed.

    Attributes:
        bypass: Hosts that are reached directly, whatever else is said.
    """

    __slots__ = ("_mounts", "bypass")

    def __init__(self, mounts: Iterable[_Mount] = (), bypass: Bypass = NO_BYPASS) -> None:
        self._mounts = tuple(sorted(mounts, key=lambda mount: mount.rank))
        self.bypass: Bypass = bypass

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Return the proxy that leads to an origin; None for the direct way.

        Args:
            scheme: `"http"` or `"https"`; `"ws"` and `"wss"` go the same ways, anything else goes directly.
            host: Name or address, without brackets.
            port: TCP port.
        """
        if not self._mounts:
            return None
        plain = _SCHEMES.get(scheme)
        if plain is None or self.bypass.covers(host, port):
            return None
        host = host.lower().rstrip(".")
        return next((mount.proxy for mount in self._mounts if mount.fits(plain, host, port)), None)

    @property
    def has_credentials(self) -> bool:
        """Whether a proxy among them has a user name."""
        return any(mount.proxy is not None and mount.proxy.username is not None for mount in self._mounts)

    @property
    def patterns(self) -> dict[str, str | None]:
        """The rules as a mapping that `rules_from` takes; without credentials."""
        return {mount.pattern: None if mount.proxy is None else mount.proxy.shown for mount in self._mounts}

    def __bool__(self) -> bool:
        return bool(self._mounts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ProxyRules):
            return NotImplemented
        return self._mounts == other._mounts and self.bypass == other.bypass

    def __hash__(self) -> int:
        return hash((self._mounts, self.bypass))

    def __repr__(self) -> str:
        return f"<ProxyRules {self.patterns}>"


DIRECT: Final = ProxyRules()
"""No proxy at all."""


def rules_from(given: object) -> ProxyRules:
    """Read what a program gives: a proxy's URL for everything, None for no proxy, or a mapping of patterns to either.

    A pattern is a scheme (`"http"`, `"https"`, `"all"`), with or without `://`, and behind that maybe a host and a
    port: `"all://api.example"` is that host, `"all://*.example"` every name below it, `"all://*example"` both. The most
    specific pattern decides.

    Raises:
        TypeError: It is none of these.
        ValueError: A URL or a pattern cannot be read. The message shows no credentials.
    """
    if isinstance(given, ProxyRules):
        return given
    if given is None:
        return DIRECT
    if isinstance(given, Mapping):
        mapping = cast("Mapping[object, object]", given)
        return ProxyRules(_mount(pattern, _proxy_from(url)) for pattern, url in mapping.items())
    return ProxyRules([_mount("all", _proxy_from(given))])


def _proxy_from(url: object) -> Proxy | None:
    if url is None or isinstance(url, Proxy):
        return url
    if isinstance(url, str):
        return parse_proxy(url)
    # URL objects of other packages; their `str` may hide the password, so it is asked for by name.
    raw = getattr(url, "raw_host", None)
    userinfo = getattr(url, "userinfo", None)
    if raw is not None and isinstance(userinfo, bytes):
        scheme, port = str(getattr(url, "scheme", "")), getattr(url, "port", None)
        host = str(getattr(url, "host", ""))
        authority = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        at = "@" if userinfo else ""
        return parse_proxy(f"{scheme}://{userinfo.decode('ascii', 'replace')}{at}{authority}")
    raise TypeError(f"a proxy is given as a URL, None, or a mapping of patterns to these, not as {type(url).__name__}")


def _mount(pattern: object, proxy: Proxy | None) -> _Mount:
    """Read a pattern.

    Raises:
        TypeError: It is no text.
        ValueError: It is none.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"a pattern that proxies are chosen by must be text, not {type(pattern).__name__}")
    scheme, _, authority = pattern.lower().strip().partition("://")
    if scheme not in ("http", "https", "all", ""):
        raise ValueError(
            f'{pattern.rpartition("@")[2][:100]!r} is no pattern that proxies are chosen by; write "http", "https" or '
            '"all", or one of them with a host, such as "all://*.example.com"'
        )
    scheme = "" if scheme == "all" else scheme
    authority = authority.rstrip("/")
    if authority in ("", "*"):
        return _Mount(pattern, scheme, "", False, True, None, proxy)
    below, itself = authority.startswith("*"), not authority.startswith("*.")
    try:
        host, port = split_authority(authority.removeprefix("*").removeprefix("."), 0)
    except ValueError as error:
        raise ValueError(f"the pattern {pattern.rpartition('@')[2][:100]!r} cannot be used: {error}") from None
    return _Mount(pattern, scheme, host.rstrip("."), below, itself, port or None, proxy)


def rules_from_environment(environ: Mapping[str, str]) -> ProxyRules:
    """Read `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, each of them in lower case too, which wins.

    This machine itself (`localhost`, `127.0.0.1`, `::1`) is always reached directly: no proxy elsewhere leads back to it,
    and servers that listen here are not meant for others.

    Where `REQUEST_METHOD` is set, `HTTP_PROXY` is passed over: in a CGI program it is what the client sent as its
    `Proxy` header.

    Raises:
        ValueError: A variable holds no proxy; the message names it and shows no credentials.
    """
    mounts: list[_Mount] = []
    for pattern in ("http", "https", "all"):
        variable, value = _variable(environ, f"{pattern}_proxy")
        if value:
            try:
                mounts.append(_mount(pattern, parse_proxy(value)))
            except ValueError as error:
                raise ValueError(f"{variable}: {error}") from None
    if not mounts:
        return DIRECT
    return ProxyRules(mounts, parse_bypass(_variable(environ, "no_proxy")[1])._replace(loopback=True))


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return a variable's name as it is set, and its value."""
    cgi = name == "http_proxy" and "REQUEST_METHOD" in environ
    if cgi:
        # Where case makes no difference to the system, a dict tells what the program was given.
        environ = dict(environ)
    value = environ.get(name)
    if value is not None or cgi:
        return name, (value or "").strip()
    return name.upper(), environ.get(name.upper(), "").strip()
