"""Who a caller is and what it may do (toolreview.md §1.2)."""

from __future__ import annotations

import msgspec

from symbi_review.errors import ApiError

__all__ = ["ROLES", "Caller"]

ROLES = {
    "admin": frozenset(
        {"tool:review", "tool:analyze", "tool:approve", "tool:sign", "tool:admin", "tool:audit", "tool:download"}
    ),
    "reviewer": frozenset({"tool:approve", "tool:review", "tool:audit", "tool:download"}),
    "user": frozenset({"tool:review"}),
    "submitter": frozenset({"tool:review"}),
    "auditor": frozenset({"tool:audit"}),
    "readonly": frozenset({"tool:audit"}),
}
_READS_ALL = frozenset({"tool:approve", "tool:admin", "tool:audit", "tool:sign"})


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated caller; `key` (issuer and subject) is what ownership and limits go by."""

    subject: str
    issuer: str
    scopes: frozenset[str]
    email: str = ""
    jti: str = ""
    until: int = 0

    @property
    def key(self) -> str:
        return f"{self.issuer}|{self.subject}"

    @property
    def admin(self) -> bool:
        return "tool:admin" in self.scopes

    @property
    def reads_all(self) -> bool:
        return bool(self.scopes & _READS_ALL)

    def names(self) -> frozenset[str]:
        """The names this caller goes by, folded, for the four-eyes rule."""
        return frozenset(name.casefold() for name in (self.subject, self.email) if name)

    def need(self, *scopes: str) -> None:
        """Raise 403 unless the caller has one of the scopes (admin has all)."""
        if not self.admin and not self.scopes & set(scopes):
            details = {"reason": "insufficient_scope", "required": sorted(scopes)}
            raise ApiError(
                403, "FORBIDDEN", f"This needs the scope {' or '.join(scopes)} (insufficient_scope).", details=details
            )
