"""`/api/v1/approvals`: administrators only, even for their own agents' actions (A-01, F-07)."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from litestar import Request, get, post

from symbi.contracts.approvals import Approval, Approvals, ApprovalStatus
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import Principal
from symbi.http import read_limit, require_admin
from symbi.kernel.services import Services

__all__ = ["HANDLERS"]


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The optional body of a denial."""

    reason: str = ""


class ApproveAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The optional body of an approval; `arguments` replaces what was proposed, and policy decides on it again."""

    reason: str = ""
    arguments: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


@get("/approvals", guards=[require_admin])
async def list_approvals(
    request: Request[Any, Any, Any], services: Services, status: str | None = None
) -> list[Approval]:
    """List held actions, newest first."""
    if status is not None and status not in get_args(ApprovalStatus):
        known = ", ".join(get_args(ApprovalStatus))
        raise InvalidRequest(f"status must be one of {known}", details={"field": "status", "source": "query"})
    limit = read_limit(request, default=50)
    return list(await services.get(Approvals).list(status=status, limit=limit))  # type: ignore[arg-type]  # checked above


@get("/approvals/{approval_id:str}", guards=[require_admin])
async def show_approval(approval_id: str, services: Services) -> Approval:
    """Return one held action with its votes."""
    return await services.get(Approvals).get(approval_id)


@post("/approvals/{approval_id:str}/approve", status_code=200, guards=[require_admin])
async def approve(
    approval_id: str, principal: Principal, services: Services, data: ApproveAnswer | None = None
) -> Approval:
    """Approve a held action, as proposed or with other arguments; 409 when it is resolved already."""
    given = data or ApproveAnswer()
    return await services.get(Approvals).approve(
        approval_id, by=principal, reason=given.reason, arguments=given.arguments
    )


@post("/approvals/{approval_id:str}/deny", status_code=200, guards=[require_admin])
async def deny(approval_id: str, principal: Principal, services: Services, data: Answer | None = None) -> Approval:
    """Deny a held action; 409 when it is resolved already."""
    return await services.get(Approvals).deny(approval_id, by=principal, reason=data.reason if data else "")


HANDLERS = [list_approvals, show_approval, approve, deny]
