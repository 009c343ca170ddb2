"""Which client a request comes from, seen through the proxies that are trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["Clients", "group_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Clients:
    """Finds the client's address: the peer, or behind trusted proxies the rightmost hop that is none of them (F-01, A-21)."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = [ipaddress.ip_network(each, strict=False) for each in trusted]

    def address(self, peer: str | None, forwarded_for: bytes | None) -> str | None:
        """Return the client's address, or None where it is not known.

        What cannot be read as an address ends the walk at the hop before it: nobody to its left is believed.
        """
        if peer is None or not self._trusted or forwarded_for is None or not self.trusts(peer):
            return peer
        client = peer
        for hop in reversed(forwarded_for.decode("latin-1").split(",")[-32:]):
            address = _read(hop.strip())
            if address is None:
                break
            client = str(address)
            if not self._is_trusted(address):
                break
        return client

    def trusts(self, peer: str) -> bool:
        """Tell whether the peer is a proxy whose headers are believed."""
        address = _read(peer)
        return address is not None and self._is_trusted(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted if network.version == address.version)


@lru_cache(4096)
def group_of(address: str) -> str:
    """Return what a limit counts as one client: an IPv4 address, or the /64 of an IPv6 one (F-21)."""
    parsed = _read(address)
    if parsed is None or parsed.version == 4:
        return str(parsed or address)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))


def _read(text: str) -> Address | None:
    bare = text.split("%", 1)[0]
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
