"""Which web pages may call the API from a browser: an allow-list, without credentials."""

from __future__ import annotations

from collections.abc import Iterable

from symbi.http.hosts import split_host

__all__ = ["Cors"]

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
HEADERS = b"Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-ID, traceparent, tracestate"
EXPOSED = (
    b"ETag, Location, Retry-After, X-Request-ID, Idempotency-Replayed, traceparent"
    b", X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
)


class Cors:
    """Knows the allowed origins; everything is answered from the `Origin` header alone."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.lower().encode("latin-1") for origin in origins)

    def allows(self, origin: bytes) -> bool:
        """Tell whether pages of this origin may read answers."""
        return origin.lower() in self._origins

    def is_foreign(self, origin: bytes | None, host: bytes | None) -> bool:
        """Tell whether a request was made by a page that is neither this server's own nor allowed."""
        if origin is None or self.allows(origin):
            return False
        authority = origin.partition(b"://")[2]
        return host is None or authority.lower() != host.lower() or split_host(host) is None

    def answer_headers(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        """Return the headers that let an allowed page read an answer; the others get only `Vary`."""
        if not self.allows(origin):
            return [(b"vary", b"Origin")]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED),
            (b"vary", b"Origin"),
        ]

    def preflight_headers(self) -> list[tuple[bytes, bytes]]:
        """Return what the answer to an allowed page's preflight request has beside `answer_headers`."""
        return [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", HEADERS),
            (b"access-control-max-age", b"600"),
        ]
