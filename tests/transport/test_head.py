"""Request heads: what is added, what is left alone, and that nothing can be injected."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.transport import BodySource, TransportFailure, WireRequest
from anyopenai.transport.codings import ACCEPT_ENCODING
from anyopenai.transport.head import Head, encode_head
from anyopenai.transport.http2_head import request_head
from transport.exchanges import NO_LIMIT, Source


def head(
    method: str = "POST",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes | BodySource = b"",
    *,
    scheme: str = "https",
    host: str = "api.example",
    port: int = 443,
    target: bytes = b"/v1/x?y=z",
) -> Head:
    return encode_head(WireRequest(method, scheme, host, port, target, headers or [], body, timeout=NO_LIMIT))


def test_a_head_is_the_request_line_the_host_the_given_fields_and_ours() -> None:
    assert head(headers=[(b"a", b"1"), (b"b", b"2")], body=b"xyz").data == (
        b"POST /v1/x?y=z HTTP/1.1\r\n"
        b"host: api.example\r\n"
        b"a: 1\r\nb: 2\r\n"
        b"accept-encoding: %b\r\ncontent-length: 3\r\n\r\n" % ACCEPT_ENCODING
    )


@pytest.mark.parametrize(
    ("scheme", "host", "port", "field"),
    [
        ("http", "h", 80, b"h"),
        ("https", "h", 80, b"h:80"),
        ("http", "127.0.0.1", 8000, b"127.0.0.1:8000"),
        ("https", "::1", 443, b"[::1]"),
        ("http", "::1", 8080, b"[::1]:8080"),
        ("http", "bücher.example", 80, b"xn--bcher-kva.example"),
    ],
)
def test_the_host_field_names_the_port_unless_it_is_the_scheme_s_own(
    scheme: str, host: str, port: int, field: bytes
) -> None:
    assert b"\r\nhost: %b\r\n" % field in head(scheme=scheme, host=host, port=port).data


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_request_without_a_body_by_nature_has_no_length(method: str) -> None:
    assert b"content-length" not in head(method).data


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_empty_body_has_its_length_said(method: str) -> None:
    assert b"content-length: 0\r\n" in head(method).data


def test_a_body_of_unknown_length_is_chunked() -> None:
    assert head(body=Source([])).chunked
    assert b"transfer-encoding: chunked\r\n" in head(body=Source([])).data
    known = head(body=Source([], 7))
    assert not known.chunked
    assert b"content-length: 7\r\n" in known.data


def test_given_fields_replace_ours() -> None:
    given_fields = [(b"host", b"other"), (b"accept-encoding", b"identity"), (b"content-length", b"2")]
    data = head(headers=given_fields, body=b"ab").data
    assert data.count(b"host: ") == data.count(b"accept-encoding: ") == data.count(b"content-length: ") == 1
    assert head(headers=[(b"transfer-encoding", b"chunked")], body=b"ab").chunked
    assert head(headers=[(b"connection", b"Close")]).close
    assert not head().close


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([(b"content-length", b"3")], b"ab"),
        ([(b"content-length", b"3")], Source([])),
        ([(b"content-length", b"2"), (b"transfer-encoding", b"chunked")], b"ab"),
        ([(b"transfer-encoding", b"gzip")], b"ab"),
        ([(b"content-length", b"2"), (b"content-length", b"2")], b"ab"),
        ([(b"host", b"a"), (b"host", b"b")], b""),
    ],
)
def test_a_length_that_is_not_the_body_s_or_said_twice_is_refused(
    headers: list[tuple[bytes, bytes]], body: bytes | BodySource
) -> None:
    with pytest.raises(TransportFailure) as caught:
        head(headers=headers, body=body)
    assert (caught.value.kind, caught.value.sent) == ("input", "none")


@given(st.binary(max_size=20), st.binary(max_size=20), st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b"\r\n\r\n"]))
def test_a_line_break_or_nul_anywhere_is_refused(before: bytes, after: bytes, evil: bytes) -> None:
    text = before + evil + after
    for attempt in (
        {"headers": [(b"x-a", text)]},
        {"headers": [(b"x" + text, b"1")]},
        {"target": b"/" + text},
    ):
        with pytest.raises(TransportFailure, match="not sent") as caught:
            head(**attempt)  # type: ignore[arg-type]  # one of two arguments, as its key says
        assert caught.value.kind == "input"


@pytest.mark.parametrize("encode", [encode_head, request_head])
def test_a_refusal_has_no_local_variable_with_a_header_in_it(encode: Callable[[WireRequest], object]) -> None:
    headers = [(b"authorization", b"Bearer sk-very-secret"), (b"x-a", b"a\nb")]
    request = WireRequest("GET", "https", "api.example", 443, b"/", headers, timeout=NO_LIMIT)
    with pytest.raises(TransportFailure) as caught:
        encode(request)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if "anyopenai" in frame.f_globals["__name__"]]
    assert ours
    assert "sk-very-secret" not in "".join(repr(frame.f_locals) for frame in ours)


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET /x HTTP/1.1\r\nA:", b"/"), ("G T", b"/"), ("", b"/"), ("GET", b"/ x"), ("GET", b"/\xff")],
)
def test_a_method_or_target_that_is_none_is_refused(method: str, target: bytes) -> None:
    with pytest.raises(TransportFailure) as caught:
        head(method, target=target)
    assert caught.value.kind == "input"


def test_the_message_does_not_quote_the_value() -> None:
    with pytest.raises(TransportFailure) as caught:
        head(headers=[(b"authorization", b"Bearer secret\n")])
    assert "secret" not in str(caught.value)
