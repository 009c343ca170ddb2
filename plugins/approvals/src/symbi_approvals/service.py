"""The service: holds, decides, expires, and wakes whoever waits."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.approvals import (
    Approval,
    ApprovalKind,
    ApprovalRequested,
    ApprovalResolved,
    ApprovalStatus,
)
from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import ConfigError, Conflict, InvalidRequest, SymbiError
from symbi.contracts.masking import mask, mask_text
from symbi.contracts.policy import PolicyRequest, action_hash
from symbi.contracts.principal import Principal
from symbi.contracts.tools import ToolService
from symbi.kernel.clock import to_ms
from symbi_approvals import records
from symbi_approvals.config import ApprovalsConfig
from symbi_approvals.entitlement import require_entitled

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["ApprovalList", "open_approvals"]

_log = logging.getLogger("symbi.approvals")
SHOWN_BYTES = 65_536
EDITED_BYTES = 262_144
POLL_SECONDS = 2.0
FORGET_EVERY_SECONDS = 3600.0
_KINDS: dict[str, ApprovalKind] = {"tool_call": "tool_call", "delegate": "delegate", "schedule_run": "schedule"}


@asynccontextmanager
async def open_approvals(config: ApprovalsConfig, context: PluginContext) -> AsyncIterator[ApprovalList]:
    """Open the list and the clock that expires what nobody answers."""
    opened = ApprovalList(config, context)
    await opened.expire_due()
    context.tasks.supervise("expiry", opened.keep_expiring)
    yield opened


class ApprovalList:
    """The `Approvals` service over the record store."""

    def __init__(self, config: ApprovalsConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._timeout = _timeout(config, context.environ)
        self._changed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._earlier = asyncio.Event()
        self._forgotten_at = 0.0

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
        """Hold an action; asking again for the very same one returns the one that is pending."""
        now = self._context.clock.now_ms()
        seconds = self._timeout if timeout_seconds is None else timeout_seconds
        arguments = _shown(request.arguments)
        row = {
            "id": hashlib.sha256(self._context.ids.uuid().encode()).hexdigest()[:16],
            "agent_id": request.agent.id if request.agent else "",
            "run_id": request.run_id,
            "kind": _KINDS.get(request.action, "other"),
            "action": request.action,
            "target": request.target,
            "summary": _summary(request, arguments),
            "reason": mask_text(reason)[:2000],
            "group_name": group,
            "status": "pending",
            "created_at": now,
            "expires_at": now + max(int(seconds * 1000), 1),
            "action_hash": action_hash(request),
            "policy_revision": policy_revision,
            "agent_revision": request.agent.revision if request.agent else "",
            "requested_by": request.principal.id,
            "quorum": quorum or max((self._quorum(each) for each in group.split(",")), default=self._config.quorum),
            "arguments": arguments,
            "context_snapshot": _snapshot(request),
            "origin": {
                "surface": request.surface,
                "session": request.session,
                "run_id": request.run_id,
                **(origin or {}),
            },
        }
        held, new = await self._context.store.write(records.hold, row, self._config.max_pending)
        if new:
            await self._record(held, "requested", request.principal)
            self._context.events.publish(ApprovalRequested(approval=held))
            self._earlier.set()
        return held

    async def get(self, approval_id: str) -> Approval:
        """Return one; raises `NotFound`. One that has run out is expired on the way."""
        found = await self._context.store.read(records.find, approval_id)
        if found.status == "pending" and self._due(found):
            await self.expire_due()
            found = await self._context.store.read(records.find, approval_id)
        return found

    async def list(
        self, *, status: ApprovalStatus | None = None, run_id: str | None = None, limit: int = 100
    ) -> Sequence[Approval]:
        """Return approvals, newest first."""
        await self.expire_due()
        return await self._context.store.read(records.list_some, status, run_id, limit)

    async def approve(
        self, approval_id: str, *, by: Principal, reason: str = "", arguments: Any = msgspec.UNSET
    ) -> Approval:
        """Vote for it, with the arguments as proposed or as given here."""
        edited = None if arguments is msgspec.UNSET else _exact(arguments)
        if edited is not None:
            await self._fit(await self.get(approval_id), arguments)
        return await self._vote(approval_id, by, "approve", reason, edited)

    async def deny(self, approval_id: str, *, by: Principal, reason: str = "") -> Approval:
        """Refuse it; one refusal is enough."""
        return await self._vote(approval_id, by, "deny", reason, None)

    async def cancel(self, approval_id: str, *, reason: str) -> Approval:
        """Withdraw it because nobody waits any more."""
        now = self._context.clock.now_ms()
        found, changed = await self._context.store.write(records.cancel, approval_id, reason[:2000], now)
        if changed:
            self._tell(found)
        return found

    async def wait(self, approval_id: str) -> Approval:
        """Return it once it is resolved; another node's answer is seen within two seconds."""
        while True:
            changed = self._changed[approval_id]
            try:
                found = await self.get(approval_id)
            except SymbiError:
                self._changed.pop(approval_id, None)
                raise
            if found.status != "pending":
                self._changed.pop(approval_id, None)
                return found
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await changed.wait()
            except TimeoutError:
                continue

    async def arguments_of(self, approval_id: str) -> Any:
        """Return the exact arguments that an approver put in place, `UNSET` when none were."""
        return await self._context.store.read(records.edited_arguments, approval_id)

    async def counts(self) -> dict[str, int]:
        """Return how many there are of each status."""
        return await self._context.store.read(records.counts)

    async def expire_due(self) -> None:
        """Expire what has run out, and tell of it."""
        now = self._context.clock.now_ms()
        due = await self._context.store.read(records.next_expiry)
        if due is None or due > now:
            return
        for each in await self._context.store.write(records.expire, now):
            await self._record(each, "expired", "system:approvals")
            self._tell(each)

    async def keep_expiring(self) -> None:
        """Sleep until the next one runs out, for ever; an earlier one wakes it."""
        while True:
            await self.expire_due()
            await self._forget_old()
            self._earlier.clear()
            due = await self._context.store.read(records.next_expiry)
            left = FORGET_EVERY_SECONDS if due is None else (due - self._context.clock.now_ms()) / 1000
            sleeping = asyncio.ensure_future(self._context.clock.sleep(min(max(left, 0.01), FORGET_EVERY_SECONDS)))
            waking = asyncio.ensure_future(self._earlier.wait())
            try:
                await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                waking.cancel()

    async def _vote(self, approval_id: str, by: Principal, verdict: str, reason: str, edited: str | None) -> Approval:
        found = await self.get(approval_id)
        require_entitled(by, found, self._config, approving=verdict == "approve")
        if found.status != "pending":
            details = {"status": found.status, "resolved_by": found.resolved_by}
            raise Conflict(f"the action is {found.status} already", code="already_resolved", details=details)
        await self._record(found, verdict, by, reason=reason, edited=edited is not None)
        ballot = records.Ballot(
            principal=by.id,
            verdict=verdict,
            reason=mask_text(reason)[:2000],
            at=self._context.clock.now_ms(),
            edited=edited,
            edited_hash=hashlib.sha256(edited.encode()).hexdigest() if edited is not None else "",
        )
        counted = await self._context.store.write(records.vote, approval_id, ballot)
        if counted.status != "pending":
            self._tell(counted)
        return counted

    async def _fit(self, approval: Approval, arguments: Any) -> None:
        """Refuse an edit that the tool could not take, while the person is still there to mend it."""
        tools = self._context.services.maybe(ToolService)
        if approval.action == "tool_call" and tools is not None and await tools.get(approval.target) is not None:
            await tools.validate(approval.target, arguments)

    async def _record(
        self, approval: Approval, outcome: str, who: Principal | str, *, reason: str = "", edited: bool = False
    ) -> None:
        """Write to the audit log first; what cannot be recorded is not done."""
        audit = self._context.services.maybe(AuditLog)
        if audit is None:
            return
        details = {
            "approval_id": approval.id,
            "action_hash": approval.action_hash,
            "agent_id": approval.agent_id,
            "run_id": approval.run_id,
            "group": approval.group,
            "policy_revision": approval.policy_revision,
            "agent_revision": approval.agent_revision,
            "edited": edited,
            "reason": reason,
        }
        subject = f"{approval.action}::{approval.target}"[:512]
        await audit.append("approval.decision", principal=who, subject=subject, outcome=outcome, details=details)

    def _tell(self, approval: Approval) -> None:
        waiting = self._changed.get(approval.id)
        if waiting is not None:
            waiting.set()
        self._context.events.publish(ApprovalResolved(approval=approval))
        _log.info("approval %s of %s is %s", approval.id, approval.summary[:200], approval.status)

    async def _forget_old(self) -> None:
        now = self._context.clock.monotonic()
        if self._forgotten_at and now - self._forgotten_at < FORGET_EVERY_SECONDS:
            return
        self._forgotten_at = now
        before = self._context.clock.now_ms() - self._config.keep_days * 86_400_000
        await self._context.store.write(records.forget, before)

    def _quorum(self, group: str) -> int:
        return self._config.quorums.get(group, self._config.quorum)

    def _due(self, approval: Approval) -> bool:
        from datetime import datetime

        return to_ms(datetime.fromisoformat(approval.expires_at)) <= self._context.clock.now_ms()


def _timeout(config: ApprovalsConfig, environ: Mapping[str, str]) -> float:
    text = environ.get("SYMBIONT_ESCALATION_TIMEOUT", "").strip()
    if not text:
        return config.timeout_seconds
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 10_000_000:
        raise ConfigError(
            f"SYMBIONT_ESCALATION_TIMEOUT: {text!r} is no number of seconds above 0",
            path="SYMBIONT_ESCALATION_TIMEOUT",
            hint="unset it, or set for example 900",
        )
    return seconds


def _shown(arguments: Any) -> Any:
    shown = mask(arguments)
    encoded = msgspec.json.encode(shown)
    if len(encoded) <= SHOWN_BYTES:
        return shown
    return {"sha256": hashlib.sha256(encoded).hexdigest(), "size": len(encoded)}


def _exact(arguments: Any) -> str:
    try:
        encoded = msgspec.json.encode(arguments, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequest(f"the arguments are no JSON: {error}", details={"field": "arguments"}) from None
    if not isinstance(arguments, dict) or len(encoded) > EDITED_BYTES:
        problem = f"the arguments must be an object of at most {EDITED_BYTES} bytes"
        raise InvalidRequest(problem, details={"field": "arguments"})
    return encoded.decode()


def _summary(request: PolicyRequest, arguments: Any) -> str:
    who = (request.agent.name or request.agent.id) if request.agent else request.principal.id
    text = msgspec.json.encode(arguments).decode()
    return f"{who}: {request.label()} {text if len(text) <= 300 else text[:297] + '...'}"


def _snapshot(request: PolicyRequest) -> dict[str, Any]:
    return {
        "surface": request.surface,
        "source": request.source,
        "session": request.session,
        "depth": request.depth,
        "chain": list(request.chain),
        "iteration": request.iteration,
        "call_id": request.call_id,
        "trusted": _shown(dict(request.trusted)),
    }
