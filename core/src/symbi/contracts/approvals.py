"""Approvals: actions that wait for a person, held durably and bound to exactly what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.policy import PolicyRequest
from symbi.contracts.principal import Principal

__all__ = ["Approval", "ApprovalKind", "ApprovalRequested", "ApprovalResolved", "ApprovalStatus", "Approvals", "Vote"]

ApprovalStatus = Literal["pending", "approved", "denied", "expired", "cancelled"]
ApprovalKind = Literal["tool_call", "delegate", "schedule", "other"]


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One person's answer."""

    principal: str
    verdict: Literal["approve", "deny"]
    at: str
    reason: str = ""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One held action. Times are RFC 3339 UTC; `action_hash`, `policy_revision` and `agent_revision` are what an
    approval is bound to.

    `arguments` are those proposed, masked for display; `edited_arguments` those an approver put in their place.
    `quorum` is how many people must approve. `origin` says where the request came from (`{"surface", "channel_id",
    "thread_id", …}`), so that the answer goes back there.
    """

    id: str
    agent_id: str
    run_id: str
    kind: ApprovalKind
    action: str
    target: str
    summary: str
    reason: str
    group: str
    status: ApprovalStatus
    created_at: str
    expires_at: str
    action_hash: str
    policy_revision: str
    agent_revision: str
    requested_by: str
    quorum: int = 1
    votes: tuple[Vote, ...] = ()
    arguments: Any = None
    edited_arguments: Any = None
    edited: bool = False
    resolved_at: str | None = None
    resolved_by: str | None = None
    resolution_reason: str = ""
    context_snapshot: Mapping[str, Any] | None = None
    origin: Mapping[str, Any] = {}


@runtime_checkable
class Approvals(Protocol):
    """The durable list of held actions. Whatever happens to the process, an action is resolved once, or expires as
    denied.
    """

    async def hold(
        self,
        request: PolicyRequest,
        *,
        reason: str,
        group: str,
        policy_revision: str,
        timeout_seconds: float | None = None,
        quorum: int | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> Approval:
        """Hold an action; asking again for the very same action and revisions returns the one that is pending."""
        ...

    async def get(self, approval_id: str) -> Approval:
        """Return one approval; raises `NotFound`."""
        ...

    async def list(
        self, *, status: ApprovalStatus | None = None, run_id: str | None = None, limit: int = 100
    ) -> list[Approval]:
        """Return approvals, newest first."""
        ...

    async def approve(
        self, approval_id: str, *, by: Principal, reason: str = "", arguments: Any = msgspec.UNSET
    ) -> Approval:
        """Vote for it; with `arguments`, for it with these in their place (the gate decides again on them).

        Raises `NotFound`, `Conflict` (code `already_resolved`: somebody was first, or it expired) and `Forbidden` (an
        agent's credential, a person who is not entitled, the one who asked, or one who has voted).
        """
        ...

    async def deny(self, approval_id: str, *, by: Principal, reason: str = "") -> Approval:
        """Refuse it; one refusal is enough. Raises as `approve` does."""
        ...

    async def cancel(self, approval_id: str, *, reason: str) -> Approval:
        """Withdraw it because nobody waits any more (the run was cancelled); does nothing when it is resolved."""
        ...

    async def wait(self, approval_id: str) -> Approval:
        """Return the approval once it is resolved or expired, at once if it is already; raises `NotFound`."""
        ...

    async def arguments_of(self, approval_id: str) -> Any:
        """Return the exact, unmasked arguments that an approver put in place, or `UNSET` when none were edited."""
        ...


class ApprovalRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Event: an action began to wait for a person."""

    approval: Approval


class ApprovalResolved(msgspec.Struct, frozen=True, kw_only=True):
    """Event: an action was approved, denied, cancelled, or expired."""

    approval: Approval
