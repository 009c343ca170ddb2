"""The states of a session and the only ways between them (toolreview.md §1.1)."""

from __future__ import annotations

__all__ = [
    "ACTIONS",
    "APPROVED",
    "FINAL",
    "GROUPS",
    "PENDING",
    "STATUSES",
    "WAITS_FOR_PEOPLE",
    "allowed_from",
    "target_of",
]

STATUSES = (
    "submitted",
    "analyzing",
    "pending_review",
    "under_review",
    "changes_requested",
    "approved_for_signing",
    "signing",
    "signing_failed",
    "signed",
    "rejected",
    "withdrawn",
    "expired",
    "revoked",
)
FINAL = frozenset({"rejected", "withdrawn", "expired", "revoked"})
APPROVED = frozenset({"approved_for_signing", "signing", "signing_failed", "signed"})
PENDING = frozenset({"submitted", "analyzing", "pending_review", "under_review", "changes_requested"})
WAITS_FOR_PEOPLE = frozenset({"pending_review", "under_review"})
GROUPS = {"pending": PENDING, "approved": APPROVED, "rejected": frozenset({"rejected"})}

_BEFORE_DECISION = ("submitted", "analyzing", "pending_review", "under_review", "changes_requested")

ACTIONS: dict[str, dict[str, str]] = {
    "analyze": {"submitted": "analyzing", "analyzing": "analyzing"},
    "auto_approve": {"analyzing": "approved_for_signing"},
    "route_to_people": {"analyzing": "pending_review"},
    "auto_reject": {"analyzing": "rejected"},
    "claim": {"pending_review": "under_review", "under_review": "under_review"},
    "release": {"under_review": "pending_review"},
    "first_approval": {"pending_review": "pending_review", "under_review": "pending_review"},
    "approve": {"pending_review": "approved_for_signing", "under_review": "approved_for_signing"},
    "reject": {"pending_review": "rejected", "under_review": "rejected"},
    "request_changes": {"pending_review": "changes_requested", "under_review": "changes_requested"},
    "resubmit": {"changes_requested": "analyzing"},
    "reanalyze": {"pending_review": "analyzing", "under_review": "analyzing"},
    "withdraw": dict.fromkeys(_BEFORE_DECISION, "withdrawn"),
    "expire": {"changes_requested": "expired"},
    "appeal": {"rejected": "pending_review"},
    "begin_signing": {"approved_for_signing": "signing", "signing_failed": "signing", "signing": "signing"},
    "sign": {"signing": "signed"},
    "signing_fails": {"signing": "signing_failed"},
    "give_up_signing": {"signing_failed": "rejected"},
    "revoke": {"signed": "revoked"},
}
"""Action -> {status before: status after}; what is not here is a conflict."""


def target_of(action: str, status: str) -> str | None:
    """The status after an action, or None where it is not allowed."""
    return ACTIONS[action].get(status)


def allowed_from(status: str) -> list[str]:
    """The actions that a status allows, for messages."""
    return sorted(action for action, ways in ACTIONS.items() if status in ways)
