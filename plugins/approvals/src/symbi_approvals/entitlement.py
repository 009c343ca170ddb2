"""Who may decide about a held action (A-01, RSN-61)."""

from __future__ import annotations

from symbi.contracts.approvals import Approval
from symbi.contracts.errors import Forbidden
from symbi.contracts.principal import Principal
from symbi_approvals.config import ApprovalsConfig

__all__ = ["require_entitled"]


def require_entitled(by: Principal, approval: Approval, config: ApprovalsConfig, *, approving: bool) -> None:
    """Raise `Forbidden` unless this person may give this answer; denying one's own request is always open."""
    if by.kind in ("agent", "system", "anonymous"):
        raise Forbidden(f"{by.id} is no person: only people approve", code="ADMIN_REQUIRED")
    groups = set(approval.group.split(","))
    if not by.admin and not groups <= by.roles:
        needed = ", ".join(sorted(groups - by.roles))
        raise Forbidden(f"this needs an administrator's credential, or the role {needed}", code="ADMIN_REQUIRED")
    if not approving or by.id != approval.requested_by or config.self_approval == "always":
        return
    if config.self_approval == "operator" and by.kind == "admin":
        return
    raise Forbidden(
        "whoever asked for an action cannot approve it",
        code="self_approval",
        hint="use another administrator's key, or set [plugins.approvals] self_approval",
    )
