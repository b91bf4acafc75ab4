"""`NO_PROXY`: what each way of writing a host covers, and what it does not."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anyopenai._sansio.bypass import NO_BYPASS, address_of, parse_bypass


@pytest.mark.parametrize(
    ("listed", "host", "port", "covered"),
    [
        ("*", "anything.example", 443, True),
        ("a.example, *", "anything.example", 443, True),
        ("a.example", "a.example", 443, True),
        ("a.example", "A.Example.", 443, True),
        ("a.example", "sub.a.example", 443, True),
        ("a.example", "nota.example", 443, False),
        ("a.example", "example", 443, False),
        (".a.example", "a.example", 443, True),
        ("*.a.example", "b.a.example", 443, True),
        ("A.EXAMPLE.", "a.example", 443, True),
        ("a.example:8080", "a.example", 8080, True),
        ("a.example:8080", "a.example", 443, False),
        ("x.example,\t a.example  b.example", "b.example", 1, True),
        ("bücher.example", "xn--bcher-kva.example", 443, True),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.1.2.3", "10.1.2.4", 80, False),
        ("10.1.2.3:81", "10.1.2.3", 80, False),
        ("10.1.2.3:81", "10.1.2.3", 81, True),
        ("10.0.0.0/8", "10.255.0.1", 80, True),
        ("10.1.2.3/8", "10.255.0.1", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.0.0.0/8", "a10.example", 80, False),
        ("10.0.0.0/8", "::1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "0:0::1", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("fd00::/8", "fe80::1", 80, False),
        ("fe80::/10", "fe80::1%eth0", 80, True),
        ("10.0.0.0/8", "::ffff:10.1.1.1", 80, True),
        ("::ffff:10.0.0.0/104", "10.1.1.1", 80, True),
        ("127.0.0.1", "localhost", 80, False),
        ("10.0.0.0/99,https://,[,:,]", "10.0.0.1", 80, False),
        ("", "a.example", 80, False),
    ],
)
def test_a_list_covers_what_it_says(listed: str, host: str, port: int, covered: bool) -> None:
    assert parse_bypass(listed).covers(host, port) is covered


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_is_covered_where_that_is_wanted(host: str) -> None:
    assert NO_BYPASS._replace(loopback=True).covers(host, 80)
    assert not NO_BYPASS.covers(host, 80)


@pytest.mark.parametrize("host", ["localhost.example", "128.0.0.1", "10.0.0.1", "notlocalhost"])
def test_other_machines_are_not_this_one(host: str) -> None:
    assert not NO_BYPASS._replace(loopback=True).covers(host, 80)


@given(st.text())
def test_any_list_can_be_read(text: str) -> None:
    bypass = parse_bypass(text)
    assert bypass.covers("some.example", 443) in (True, False)
    assert bypass.covers("10.0.0.1", 443) in (True, False)


# Mapped ones count as the IPv4 addresses that they are; an example above has them.
addresses = st.ip_addresses().filter(lambda address: getattr(address, "ipv4_mapped", None) is None)


@given(address=addresses, bits=st.integers(0, 128), other=addresses)
def test_a_network_covers_exactly_its_addresses(
    address: IPv4Address | IPv6Address, bits: int, other: IPv4Address | IPv6Address
) -> None:
    bits = min(bits, address.max_prefixlen)
    block = ip_network((address.packed, bits), strict=False)
    assume(getattr(block.network_address, "ipv4_mapped", None) is None)
    bypass = parse_bypass(str(block))
    assert bypass.covers(str(address), 80)
    assert bypass.covers(str(other), 80) is (other in block)


@given(st.ip_addresses())
def test_an_address_is_told_from_a_name(address: IPv4Address | IPv6Address) -> None:
    found = address_of(str(address))
    assert found is not None
    assert str(getattr(address, "ipv4_mapped", None) or address) == str(found)
    assert address_of(f"a{str(address).replace(':', '-')}.example") is None
