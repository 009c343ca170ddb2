"""One aiohttp session for slack-sdk that only reaches addresses that were checked, and asks no proxy of the environment."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from symbi.contracts.errors import Forbidden, SymbiError
from symbi.http.outbound import allowed_address

if TYPE_CHECKING:
    import aiohttp

__all__ = ["check_literal", "guarded_session"]

SETTING = "[channels] allow_private_hosts = true opens private addresses"


def guarded_session(*, allow_private: bool, timeout: float) -> aiohttp.ClientSession:
    """Return a session whose connections go to the very address that was judged (no DNS rebinding)."""
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Guarded(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            try:
                found = await allowed_address(host, port, allow_private=allow_private, setting=SETTING)
            except SymbiError as error:
                raise OSError(error.message) from None
            kind = socket.AF_INET6 if ":" in found else socket.AF_INET
            return [ResolveResult(hostname=host, host=found, port=port, family=kind, proto=0, flags=0)]

        async def close(self) -> None:
            return None

    connector = aiohttp.TCPConnector(resolver=Guarded(), limit=20, ttl_dns_cache=30)
    limits = aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 10.0))
    return aiohttp.ClientSession(connector=connector, timeout=limits, trust_env=False)


async def check_literal(host: str, *, allow_private: bool) -> None:
    """Raise `Forbidden` for a host that is written as an address that must not be reached: those pass by the resolver."""
    if allow_private:
        return
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        try:
            socket.inet_aton(host)  # 127.1, 0x7f000001, 2130706433: a resolver would take them for addresses
        except OSError:
            return
        raise Forbidden(f"{host!r} is an odd way to write an address", code="ADDRESS_FORBIDDEN", hint=SETTING) from None
    await allowed_address(host.strip("[]"), 443, allow_private=False, setting=SETTING)
