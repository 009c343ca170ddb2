"""The guard against server-side request forgery: names are resolved once, every address is judged, and that very address is used."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection

from symbi.contracts.errors import Forbidden, Unavailable

__all__ = ["allowed_address", "is_public"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Tell whether an address may be reached by agents: globally routable unicast, also behind IPv6 mappings of IPv4."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


async def allowed_address(host: str, port: int, *, private_hosts: Collection[str] = ()) -> str:
    """Return the address to connect to for a host; every address that the name has must be allowed.

    Raises `Forbidden` for one that is not public (unless the host is in `private_hosts`), `Unavailable` for a name that cannot be resolved.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise Unavailable(f"the host {host!r} cannot be resolved") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if host.lower() not in {each.lower() for each in private_hosts}:
        for address in addresses:
            if not is_public(address):
                raise Forbidden(
                    f"{host!r} leads to {address}, which is not a public address",
                    code="ADDRESS_FORBIDDEN",
                    hint="[plugins.http] allow_private_hosts",
                )
    return addresses[0]
