"""Requests that leave the runtime: a name is resolved once, every address is judged, and that very address is connected to (no DNS rebinding)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import Forbidden, InvalidRequest, Unavailable

if TYPE_CHECKING:
    import httpx

__all__ = ["allowed_address", "is_public", "pin"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


def is_public(address: str) -> bool:
    """Tell whether an address is globally routable unicast, also behind IPv6 mappings of IPv4."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


async def allowed_address(
    host: str, port: int, *, private_hosts: Collection[str] = (), allow_private: bool = False, setting: str = ""
) -> str:
    """Return the address to connect to for a host; every address that the name has must be allowed.

    Raises `Forbidden` (`ADDRESS_FORBIDDEN`) for one that is not public, unless `allow_private` or listed in `private_hosts`; `setting` names what
    would open it. Raises `Unavailable` for a name that cannot be resolved.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise Unavailable(f"the host {host!r} cannot be resolved") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and host.lower() not in {each.lower() for each in private_hosts}:
        for address in addresses:
            if not is_public(address):
                raise Forbidden(
                    f"{host!r} leads to {address}, which is not a public address",
                    code="ADDRESS_FORBIDDEN",
                    hint=setting or None,
                )
    return addresses[0]


async def pin(
    url: httpx.URL, *, private_hosts: Collection[str] = (), allow_private: bool = False, setting: str = ""
) -> tuple[httpx.URL, dict[str, Any]]:
    """Return the URL with its host replaced by the checked address, and what `httpx` needs beside it: `headers` and `extensions`.

    Raises `InvalidRequest` for anything but http(s) without a user name, and what `allowed_address` raises.
    """
    if url.scheme not in _PORTS or not url.host or url.userinfo:
        raise InvalidRequest(
            "only http and https URLs without a user name are taken",
            details={"url": f"{url.scheme}://{url.host}{url.path}"},
        )
    port = url.port or _PORTS[url.scheme]
    address = await allowed_address(
        url.host, port, private_hosts=private_hosts, allow_private=allow_private, setting=setting
    )
    return url.copy_with(host=address), {
        "headers": {"host": url.netloc.decode("ascii")},
        "extensions": {"sni_hostname": url.host},
    }
