"""URLs: reading base URLs, putting paths below them, following redirects; plain text work, nothing is looked up.

Source: https://www.rfc-editor.org/rfc/rfc3986
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote

__all__ = (
    "URL",
    "expand_path",
    "join",
    "origin",
    "parse_url",
    "resolve_redirect",
    "same_origin",
    "socket_path",
    "split_authority",
)

# A Unix socket has no port; as an origin it needs one all the same.
_PORTS: Final = {"http": 80, "https": 443, "http+unix": 0}

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_AUTHORITY_END: Final = re.compile(r"[/?#\\]")
# Host names as DNS, Docker and Kubernetes write them; underscores are in use although no standard has them.
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?")
_IPV6: Final = re.compile(r"[0-9a-f:.]+(?:%[0-9a-z._~-]+)?", re.IGNORECASE)
# IDNA 2003, which Python has, reads these otherwise than browsers do: another host would get the key.
_AMBIGUOUS: Final = re.compile("[\u00df\u03c2\u200c\u200d]")

# What may stand in a path or a query as it is: RFC 3986's pchar, "/" and "?", and escapes that are there already.
_UNSAFE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^!$&-;=?-Z_a-z~%]")
# Nothing but a path that needs no escaping, as nearly all are: no colon, query, fragment or percent sign.
_PLAIN: Final = re.compile(r"[A-Za-z0-9/_.~!$&'()*+,;=@-]*")
# A segment keeps what the RFC's pchar allows, as openai-python does: model names have colons.
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]*")
_SEGMENT_SAFE: Final = "!$&'()*+,;=:@~"


class URL:
    """An absolute http or https URL, taken apart; credentials are never part of it.

    Attributes:
        scheme: `"http"`, `"https"`, or `"http+unix"` for plain HTTP over a Unix socket.
        host: Host name or address in ASCII, lower case, IPv6 without brackets; a socket's path, percent-encoded.
        port: TCP port; 0 with a Unix socket.
        path: Percent-encoded path, starting with `/`.
        query: Percent-encoded query without its question mark; "" without one.
    """

    __slots__ = ("host", "path", "port", "query", "scheme")

    def __init__(self, scheme: str, host: str, port: int, path: str = "/", query: str = "") -> None:
        self.scheme: str = scheme
        self.host: str = host
        self.port: int = port
        self.path: str = path
        self.query: str = query

    @property
    def target(self) -> bytes:
        """Path and query as they stand in a request line."""
        return (f"{self.path}?{self.query}" if self.query else self.path).encode("ascii")

    @property
    def authority(self) -> str:
        """Host and port as they stand in a `Host` field: brackets around IPv6, no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS.get(self.scheme) else f"{host}:{self.port}"

    def with_query(self, query: str) -> URL:
        """Return the same URL with more parameters; they replace those of the same names."""
        if not query:
            return self
        return URL(self.scheme, self.host, self.port, self.path, _merged(self.query, query))

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.authority}{self.path}{query}"

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, URL):
            return NotImplemented
        return (self.scheme, self.host, self.port, self.path, self.query) == (
            other.scheme,
            other.host,
            other.port,
            other.path,
            other.query,
        )

    def __hash__(self) -> int:
        return hash((self.scheme, self.host, self.port, self.path, self.query))

    def __reduce__(self) -> tuple[type[URL], tuple[str, str, int, str, str]]:
        return URL, (self.scheme, self.host, self.port, self.path, self.query)


def parse_url(text: str) -> URL:
    """Read an absolute URL as people and environment variables give it.

    Blanks around it are dropped, a host in another script becomes its ASCII form, and what may not stand in a path or
    query is percent-encoded as UTF-8. Escapes that are there stay as they are, dot segments too. A fragment is dropped.
    `http+unix://%2Frun%2Fserver.sock/v1` is the path `/v1` of a server that listens on the Unix socket
    `/run/server.sock`.

    Raises:
        ValueError: It is no http or https URL, has no host or a wrong port, or carries a user name or password
            (which is not repeated in the message).
    """
    scheme, authority, path, query = _split_absolute(text.strip(" \t\r\n\f"))
    if "@" in authority:
        raise ValueError(
            "the URL carries a user name or password; leave them out and pass api_key, or an Authorization header "
            "in default_headers"
        )
    host, port = _host_and_port(scheme, authority)
    return URL(scheme, host, port, _escaped(path) or "/", _escaped(query))


def join(base: URL, path: str, query: str = "") -> URL:
    """Put a relative path below a base URL, or take an absolute URL as it is.

    The base keeps its own path, with or without a slash at its end, and its query. The path may begin with a slash or
    not, and bring a query; escapes in it stay as they are. This is once per call, so it is a few concatenations.

    Args:
        base: What relative paths are below.
        path: A path such as `/embeddings`, or an absolute URL.
        query: Percent-encoded parameters to add; they replace those of the same names.

    Raises:
        ValueError: An absolute URL that `parse_url` refuses.
    """
    own_query = base.query
    if not _PLAIN.fullmatch(path):
        if _URL.match(path) and "://" in path.partition("?")[0]:
            return parse_url(path).with_query(query)
        path, _, more = path.partition("#")[0].partition("?")
        path = _escaped(path)
        if more:
            own_query = _merged(own_query, _escaped(more))
    if own_query:
        query = _merged(own_query, query)
    root = base.path.rstrip("/")
    return URL(base.scheme, base.host, base.port, f"{root}/{path.lstrip('/')}", query)


def _merged(old: str, new: str) -> str:
    """Put parameters behind others, in place of those of the same names."""
    if not old or not new:
        return old or new
    names = {unquote(pair.partition("=")[0]) for pair in new.split("&")}
    kept = [pair for pair in old.split("&") if unquote(pair.partition("=")[0]) not in names]
    return "&".join([*kept, new])


_ARGUMENT: Final = re.compile(r"\{([^{}]*)\}")
_templates: dict[str, tuple[str, ...]] = {}


def expand_path(template: str, args: Sequence[str]) -> str:
    """Put arguments into a path template, each escaped to be exactly one path segment.

    `expand_path("/files/{file_id}/content", ["a/b"])` gives `/files/a%2Fb/content`.

    Args:
        template: A path in which `{name}` stands for an argument.
        args: The arguments, in the order their names stand in the template.

    Raises:
        ValueError: An argument is empty, `.` or `..` (which servers and proxies read as "up"), or not valid Unicode.
        TypeError: An argument is no text, or their number is wrong.

    Source: https://www.rfc-editor.org/rfc/rfc3986#section-3.3
    """
    pieces = _templates.get(template)
    if pieces is None:
        # Text, name, text, name, ..., text. Templates are constants of generated code, so this ends by itself.
        pieces = _templates[template] = tuple(_ARGUMENT.split(template))
    count = len(pieces) // 2
    if len(args) != count:
        raise TypeError(f"path {template!r} takes {count} arguments, and {len(args)} were given")
    if not count:
        return template
    result = [pieces[0]]
    for index, argument in enumerate(args):
        result.append(_segment(pieces[2 * index + 1], argument))
        result.append(pieces[2 * index + 2])
    return "".join(result)


def _segment(name: str, argument: object) -> str:
    if argument in (None, "", ".", ".."):
        raise ValueError(f"{name} must name something to be part of a path; it is {argument!r}")
    if not isinstance(argument, str):
        raise TypeError(f"{name} must be text, not {argument!r}")
    if _UNRESERVED.fullmatch(argument):
        return argument  # most ids; quote() takes five times as long to find that out
    try:
        return quote(argument, safe=_SEGMENT_SAFE)
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds text that is not valid Unicode (a lone surrogate)") from None


def origin(url: URL) -> tuple[str, str, int]:
    """Return what credentials belong to: scheme, host and port.

    Source: https://www.rfc-editor.org/rfc/rfc6454
    """
    return url.scheme, url.host, url.port


def same_origin(one: URL, other: URL) -> bool:
    """Tell whether what one URL may know the other may know too; another port or scheme is another origin."""
    return one.host == other.host and one.port == other.port and one.scheme == other.scheme


def resolve_redirect(current: URL, location: str) -> URL:
    """Return where a redirect leads: the `Location` field, read relative to the URL that was asked.

    Credentials in it are dropped: no server may choose what we log in with. Bytes that are not ASCII come as the
    Latin-1 characters that header fields are read as, and are escaped one by one.

    Raises:
        ValueError: The field leads nowhere that http or https can go.

    Source: https://www.rfc-editor.org/rfc/rfc3986#section-5.2
    """
    location = location.strip(" \t").partition("#")[0]
    try:
        text = location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        text = location
    if _URL.match(text):
        if not re.match(r"https?://", text, re.IGNORECASE):
            shown = text.rpartition("@")[2][:100]
            raise ValueError(f"a redirect leads to {shown!r}, which is no absolute http or https URL")
        scheme, authority, path, query = _split_absolute(text)
    elif text.startswith("//"):
        scheme, authority, path, query = _split_absolute(f"{current.scheme}:{text}")
    else:
        path, mark, query = text.partition("?")
        if not path:
            path = current.path
            query = query if mark else current.query
        elif not path.startswith("/"):
            path = current.path.rpartition("/")[0] + "/" + path
        path = _without_dots(_escaped(path))
        return URL(current.scheme, current.host, current.port, path, _escaped(query))
    host, port = _host_and_port(scheme, authority.rpartition("@")[2])
    return URL(scheme, host, port, _without_dots(_escaped(path) or "/"), _escaped(query))


def _split_absolute(text: str) -> tuple[str, str, str, str]:
    """Split an absolute URL into scheme, authority, path and query; messages never show what stands before an @."""
    match = _URL.fullmatch(text)
    scheme = match[1].lower() if match is not None else ""
    if match is None or scheme not in _PORTS or not match[2].startswith("//"):
        shown = text.rpartition("@")[2][:100]
        raise ValueError(f"{shown!r} is no absolute http or https URL; write for example https://api.openai.com/v1")
    rest = match[2][2:].partition("#")[0]
    end = _AUTHORITY_END.search(rest)
    authority, rest = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    if rest.startswith("\\"):
        # Some programs read the backslash as a slash and some as part of the name: two hosts in one text.
        raise ValueError("the URL has a backslash behind its host name; write a slash")
    path, _, query = rest.partition("?")
    return scheme, authority, path, query


def socket_path(host: str) -> str:
    """Return the path of a Unix socket from the host of an `http+unix` URL.

    Raises:
        ValueError: It is no absolute path.
    """
    path = unquote(host)
    if not path.startswith("/") or "\0" in path:
        raise ValueError(
            "an http+unix URL has the socket's absolute path as its host, with %2F for each slash; "
            "write for example http+unix://%2Frun%2Fserver.sock/v1"
        )
    return path


def _host_and_port(scheme: str, authority: str) -> tuple[str, int]:
    """Read what stands between a URL's scheme and its path."""
    if scheme == "http+unix":
        return quote(socket_path(authority), safe=""), 0
    return split_authority(authority, _PORTS[scheme])


def split_authority(authority: str, default_port: int) -> tuple[str, int]:
    """Read `host`, `host:port` or `[address]:port`.

    Raises:
        ValueError: It is none of them.
    """
    if authority.startswith("["):
        host, bracket, port_text = authority[1:].partition("]")
        host = host.lower().replace("%25", "%", 1)
        if not bracket or not _IPV6.fullmatch(host) or not _is_ipv6(host) or (port_text and port_text[0] != ":"):
            raise ValueError(f"{authority[:100]!r} is no IPv6 address in brackets with an optional port")
        port_text = port_text[1:]
    else:
        host, _, port_text = authority.partition(":")
        host = _ascii_host(host)
        if not host:
            raise ValueError("the URL has no host; write for example https://api.openai.com/v1")
        if not _HOST.fullmatch(host) or ".." in host:
            raise ValueError(f"{host[:100]!r} is no host name")
    if not port_text:
        return host, default_port
    if not (port_text.isascii() and port_text.isdigit()) or len(port_text) > 5 or not 0 < int(port_text) < 65536:
        raise ValueError(f"port {port_text[:100]!r} is no number from 1 to 65535")
    return host, int(port_text)


def _is_ipv6(host: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address  # few base URLs are addresses, and the module takes 3 ms

    try:
        IPv6Address(host.partition("%")[0])
    except AddressValueError:
        return False
    return True


def _ascii_host(host: str) -> str:
    host = host.lower()
    if host.isascii():
        return host
    if _AMBIGUOUS.search(host):
        raise ValueError(f"host name {host!r} can be read in two ways; write its ASCII form (xn--...)")
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError(f"host name {host[:100]!r} has no ASCII form") from None


def _escaped(text: str) -> str:
    """Percent-encode what may not stand in a path or query; escapes stay."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise ValueError("the URL holds text that is not valid Unicode (a lone surrogate)") from None
    return _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii")


def _without_dots(path: str) -> str:
    """Resolve `.` and `..` segments, as RFC 3986 section 5.2.4 says."""
    if "/." not in path:
        return path
    result: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if result:
                result.pop()
        elif segment != ".":
            result.append(segment)
    if segments[-1] in (".", ".."):
        result.append("")
    return "/" + "/".join(result)
