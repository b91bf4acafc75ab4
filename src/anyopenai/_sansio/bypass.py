"""`Bypass`: which hosts are reached without a proxy, as `NO_PROXY` says; text and numbers only, no name is looked up."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    _Address: TypeAlias = IPv4Address | IPv6Address
    _Network: TypeAlias = IPv4Network | IPv6Network

__all__ = ("NO_BYPASS", "Bypass", "address_of", "parse_bypass")

_SEPARATOR: Final = re.compile(r"[,\s]+")
_PORT: Final = re.compile(r"(.*):([0-9]{1,5})")
# What has none of these is a name: names need no look at `ipaddress`, which takes 3 ms to load.
_MAYBE_ADDRESS: Final = re.compile(r"[0-9a-f.]*|.*[:/%\[].*")


class Bypass(NamedTuple):
    """Hosts that are reached directly.

    Attributes:
        everything: All hosts are.
        names: Names with the one port each is for, or None for every port; the names below each are meant too.
        networks: The same for addresses: networks in CIDR notation, a single address being the smallest one.
        loopback: This machine itself is, under any of its names for that.
    """

    everything: bool = False
    names: tuple[tuple[str, int | None], ...] = ()
    networks: tuple[tuple[_Network, int | None], ...] = ()
    loopback: bool = False

    def covers(self, host: str, port: int) -> bool:
        """Tell whether a host is reached directly.

        Args:
            host: Name or address, without brackets. A name is compared as it is, and never resolved.
            port: TCP port.
        """
        if self.everything:
            return True
        host = host.lower().rstrip(".")
        if self.loopback and (host == "localhost" or host.endswith(".localhost")):
            return True
        for name, only in self.names:
            if (only is None or only == port) and (host == name or host.endswith(f".{name}")):
                return True
        address = address_of(host) if self.networks or self.loopback else None
        if address is None:
            return False
        if self.loopback and address.is_loopback:
            return True
        return any(
            address.version == network.version and address in network
            for network, only in self.networks
            if only is None or only == port
        )


NO_BYPASS: Final = Bypass()


@lru_cache(maxsize=8)
def parse_bypass(text: str) -> Bypass:
    """Read a list as `NO_PROXY` has it: parts divided by commas or blanks.

    A part is `*` for everything; a name, which covers the names below it too, with or without `.` or `*.` in front;
    an address; or a network in CIDR notation. A port behind it (`name:8080`, `[::1]:8080`) limits it to that port. What
    is none of these is passed over, as it is elsewhere: such lists are written for many programs.
    """
    everything = False
    names: list[tuple[str, int | None]] = []
    networks: list[tuple[_Network, int | None]] = []
    for part in _SEPARATOR.split(text.lower()):
        if part == "*":
            everything = True
        elif part:
            network = _network_of(part)
            port = None
            if network is None and (match := _PORT.fullmatch(part)):
                part, port = match[1], int(match[2])
                network = _network_of(part)
            if network is not None:
                networks.append((network, port))
            elif name := _name_of(part):
                names.append((name, port))
    return Bypass(everything, tuple(names), tuple(networks))


def address_of(host: str) -> _Address | None:
    """Return a host that is an address as one, in its IPv4 form if it has one; None for a name."""
    if not _MAYBE_ADDRESS.fullmatch(host):
        return None
    from ipaddress import IPv6Address, ip_address

    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _network_of(text: str) -> _Network | None:
    """Read an address or a network; None for what is neither."""
    if not _MAYBE_ADDRESS.fullmatch(text):
        return None
    from ipaddress import IPv6Network, ip_network

    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    address, slash, bits = text.partition("/")
    try:
        network = ip_network(address.partition("%")[0] + slash + bits, strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network((mapped, network.prefixlen - 96))
    return network


def _name_of(text: str) -> str | None:
    """Return a name as hosts are written; None for what cannot be one."""
    name = text.removeprefix("*").removeprefix(".").rstrip(".")
    if not name or not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return name or None
