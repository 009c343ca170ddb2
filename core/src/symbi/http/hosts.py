"""Which host names a request may carry: the wall against DNS rebinding."""

from __future__ import annotations

from collections.abc import Iterable

from symbi.http.settings import is_loopback

__all__ = ["HostGuard", "split_host"]


class HostGuard:
    """On a loopback bind lets loopback names in, and those that are listed; elsewhere the listed ones, or all where none is."""

    def __init__(self, *, bound_to_loopback: bool, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(each.lower().rstrip(".") for each in allowed)
        self._loopback = bound_to_loopback
        self._known: dict[bytes, bool] = {}

    def admits(self, host: bytes | None) -> bool:
        """Tell whether a `Host` header names this server."""
        if host is None:
            return False
        known = self._known.get(host)
        if known is None:
            known = self._decide(split_host(host))
            if len(self._known) < 64:
                self._known[host] = known
        return known

    def _decide(self, name: str | None) -> bool:
        if not name:
            return False
        if name in self._allowed:
            return True
        return is_loopback(name) if self._loopback else not self._allowed


def split_host(host: bytes) -> str | None:
    """Return the name or address of a `Host` header, lower case and without port and brackets; None where it is malformed."""
    text = host.decode("latin-1").strip().lower()
    if text.startswith("["):
        name, closed, rest = text[1:].partition("]")
        return name if closed and (not rest or (rest.startswith(":") and rest[1:].isdigit())) else None
    name, colon, port = text.partition(":")
    if colon and not port.isdigit():
        return None
    return name.rstrip(".") or None
