"""Where a delivery may go: host names are resolved here, and the connection goes to the very address that was checked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

__all__ = ["HostRefused", "public_address"]


class HostRefused(Exception):
    """The host is not one that deliveries may reach."""


async def public_address(host: str, port: int, *, allow_private: bool) -> str:
    """An address of the host that may be connected to; raises HostRefused for private ones, OSError where it cannot be resolved.

    Every address must be public, so that a name with one public and one private address is refused (SSRF, DNS rebinding).
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise OSError(f"{host} has no address")
    if not allow_private:
        for address in addresses:
            if not _is_public(address):
                raise HostRefused(f"{host} is {address}, a private address; [deliver] allow_private_hosts opens them")
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return inner.is_global
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF).is_global
    return address.is_global and not address.is_multicast
