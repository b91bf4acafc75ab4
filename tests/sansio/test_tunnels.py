"""What is said to proxies, and what they may say: whole, byte by byte, cut anywhere, and garbage."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._sansio.proxies import parse_proxy
from anyopenai._sansio.tunnels import Tunnel, TunnelError, tunnel_for

LOGIN = parse_proxy("socks5h://user:pass@p")


def begun(proxy: str, host: str = "api.example", port: int = 443) -> tuple[Tunnel, bytes]:
    tunnel = tunnel_for(parse_proxy(proxy), host, port)
    return tunnel, bytes(tunnel.start())


def fed(tunnel: Tunnel, pieces: list[bytes]) -> bytes:
    return b"".join(bytes(tunnel.feed(piece)) for piece in pieces if piece)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(marks)]


def test_connect_names_the_host_and_the_credentials() -> None:
    _, said = begun("http://us%20er:p@proxy:1")
    assert said == (
        b"CONNECT api.example:443 HTTP/1.1\r\nhost: api.example:443\r\nproxy-authorization: Basic dXMgZXI6cA==\r\n\r\n"
    )
    _, said = begun("http://proxy:1", "::1", 80)
    assert said == b"CONNECT [::1]:80 HTTP/1.1\r\nhost: [::1]:80\r\n\r\n"


ANSWERS = [
    b"HTTP/1.1 200 Connection established\r\n\r\n",
    b"HTTP/1.0 200\r\nx: y\r\ncontent-length: 5\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Fine\r\na: b\r\n\r\n",
    b"HTTP/1.1 200 OK\n\n",
]


@pytest.mark.parametrize("answer", ANSWERS)
@given(places=st.lists(st.integers(0, 100)))
def test_a_tunnel_does_not_depend_on_how_the_answer_is_cut(answer: bytes, places: list[int]) -> None:
    for pieces in ([answer], [answer[i : i + 1] for i in range(len(answer))], cut(answer, places)):
        tunnel, _ = begun("http://proxy:1")
        assert not tunnel.done
        assert fed(tunnel, pieces) == b""
        assert tunnel.done


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 403 No\x1b[31m entry\r\n\r\n", b"HTTP/1.1 502 Bad gateway\r\nx: y\r\n\r\n"]
)
@given(places=st.lists(st.integers(0, 100)))
def test_a_refusal_does_not_depend_on_how_it_is_cut(answer: bytes, places: list[int]) -> None:
    tunnel, _ = begun("http://proxy:1")
    with pytest.raises(TunnelError) as caught:
        fed(tunnel, cut(answer, places))
    assert caught.value.code == int(answer[9:12])
    assert str(caught.value).isprintable()
    assert not tunnel.done


SOCKS = [
    # What the proxy says, part by part, and what it is told.
    (
        "socks5h://p",
        [b"\x05\x00", b"\x05\x00\x00\x01\x7f\0\0\1\0\x50"],
        b"\x05\x01\x00\x05\x01\x00\x03\x0bapi.example\x01\xbb",
    ),
    (
        "socks5h://user:pass@p",
        [b"\x05\x02", b"\x01\x00", b"\x05\x00\x00\x03\x04name\0\x50"],
        b"\x05\x02\x00\x02\x01\x04user\x04pass\x05\x01\x00\x03\x0bapi.example\x01\xbb",
    ),
    (
        "socks5h://user:pass@p",
        [b"\x05\x00", b"\x05\x00\x00\x04" + bytes(18)],
        b"\x05\x02\x00\x02\x05\x01\x00\x03\x0bapi.example\x01\xbb",
    ),
]


@pytest.mark.parametrize(("proxy", "says", "told"), SOCKS)
@given(places=st.lists(st.integers(0, 30)))
def test_socks_does_not_depend_on_how_answers_are_cut(
    proxy: str, says: list[bytes], told: bytes, places: list[int]
) -> None:
    for pieces in ([b"".join([part]) for part in says], [part[i : i + 1] for part in says for i in range(len(part))]):
        tunnel, start = begun(proxy)
        assert start + fed(tunnel, pieces) == told
        assert tunnel.done
    tunnel, start = begun(proxy)
    assert start + b"".join(fed(tunnel, cut(part, places)) for part in says) == told
    assert tunnel.done


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.1.2.3", b"\x01\x0a\x01\x02\x03"),
        ("::1", b"\x04" + bytes(15) + b"\x01"),
        ("a.example", b"\x03\x09a.example"),
    ],
)
def test_socks_names_addresses_and_names_as_they_are(host: str, address: bytes) -> None:
    tunnel, _ = begun("socks5h://p", host, 258)
    assert fed(tunnel, [b"\x05\x00"]) == b"\x05\x01\x00" + address + b"\x01\x02"


def test_a_name_that_socks_has_no_room_for_is_refused() -> None:
    tunnel, _ = begun("socks5h://p", "x" * 256)
    with pytest.raises(TunnelError, match="no room for a host name of 256 bytes"):
        tunnel.feed(b"\x05\x00")


@pytest.mark.parametrize(
    ("says", "problem", "code"),
    [
        ([b"\x05\xff"], "refused", 255),
        ([b"\x05\x02", b"\x01\x01"], "refused", 1),
        ([b"\x05\x01"], "protocol", None),
        ([b"\x04\x00"], "protocol", None),
        ([b"\x05\x02", b"\x05\x00"], "protocol", None),
        ([b"\x05\x00\x05"], "protocol", None),
        ([b"\x05\x00", b"\x05\x00\x00\x09\x00"], "protocol", None),
        ([b"\x05\x00", b"\x05\x00\x00\x01" + bytes(7)], "protocol", None),
        ([b"\x05\x00", b"\x05\x05"], "passing", 5),
        ([b"\x05\x00", b"\x05\x02\x00\x01" + bytes(6)], "refused", 2),
    ],
)
def test_a_socks_proxy_that_says_no_or_nonsense_is_told_apart(
    says: list[bytes], problem: str, code: int | None
) -> None:
    tunnel = tunnel_for(LOGIN, "api.example", 443)
    with pytest.raises(TunnelError) as caught:
        fed(tunnel, says)
    assert (caught.value.problem, caught.value.code) == (problem, code)
    assert "pass" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("proxy", ["http://u:p@proxy", "socks5h://u:p@proxy"])
def test_an_end_before_the_tunnel_is_an_error(proxy: str) -> None:
    tunnel, _ = begun(proxy)
    with pytest.raises(TunnelError, match="hung up"):
        tunnel.feed(b"")


def test_a_head_without_end_is_bounded() -> None:
    tunnel, _ = begun("http://proxy")
    with pytest.raises(TunnelError, match="more than 65536 bytes"):
        fed(tunnel, [b"HTTP/1.1 200 OK\r\nx: ", *[b"y" * 1000] * 70])
    tunnel, _ = begun("http://proxy")
    with pytest.raises(TunnelError, match="more than 65536 bytes"):
        fed(tunnel, [b"HTTP/1.1 100 Continue\r\n\r\n"] * 3000)


@pytest.mark.parametrize("proxy", ["http://u:p@proxy", "socks5h://u:p@proxy"])
@given(
    pieces=st.lists(st.one_of(st.binary(min_size=1), st.sampled_from([b"\x05", b"\x00", b"\x02", b"\x01", *ANSWERS])))
)
def test_garbage_ends_in_a_tunnel_or_in_the_documented_error(proxy: str, pieces: list[Any]) -> None:
    tunnel, _ = begun(proxy)
    with suppress(TunnelError):
        for piece in pieces:
            if tunnel.done:
                break
            tunnel.feed(piece)


def test_nothing_that_is_sent_shows_in_a_report() -> None:
    """Reports of exceptions show local variables; a view shows no bytes."""
    tunnel = tunnel_for(LOGIN, "api.example", 443)
    assert "pass" not in repr(tunnel.start())
    assert "pass" not in repr(tunnel.feed(b"\x05\x02"))


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize(
    ("proxy", "said"), [("http://p", "it wants a user name"), ("http://u:p@p", "it does not accept")]
)
def test_a_refused_log_in_says_what_to_do(status: int, proxy: str, said: str) -> None:
    tunnel, _ = begun(proxy)
    with pytest.raises(TunnelError, match=said) as caught:
        tunnel.feed(b"HTTP/1.1 %d Odd\r\n\r\n" % status)
    assert (caught.value.problem, caught.value.code) == ("refused", status)
