"""The gate: decides, records, holds and admits (house.md, "The life of a run")."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from symbi.contracts.approvals import Approvals
from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import InvalidRequest, PolicyDenied, SymbiError
from symbi.contracts.health import Health, degraded, healthy, unhealthy
from symbi.contracts.policy import (
    AgentRules,
    Decision,
    GateStatus,
    PolicyDecided,
    PolicyHeld,
    PolicyReloaded,
    PolicyRequest,
    Receipt,
    ResourceFacts,
    action_hash,
)
from symbi.contracts.policy_sets import PolicyInvalid, PolicyReport
from symbi.contracts.tools import ToolService
from symbi_policy.agent_rules import count_rule_rates
from symbi_policy.config import PolicyConfig
from symbi_policy.insecure import warn_of
from symbi_policy.judge import Judge
from symbi_policy.obligations import approval_groups, count_rates
from symbi_policy.rates import RateCounter
from symbi_policy.receipts import ReceiptBook
from symbi_policy.recording import record
from symbi_policy.sets import LoadedSet, PolicySets

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["PolicyGate"]

_log = logging.getLogger("symbi.policy")
NO_APPROVALS = "pip install symbi-approvals"
NO_AUDIT = 'pip install symbi-audit, or [policy] audit = "lenient"'


class PolicyGate:
    """The `Gate` service."""

    def __init__(
        self, config: PolicyConfig, context: PluginContext, sets: PolicySets, judge: Judge, rates: RateCounter
    ) -> None:
        self.sets = sets
        self.counts: Counter[str] = Counter()
        self._config = config
        self._context = context
        self._judge = judge
        self._rates = rates
        self._receipts = ReceiptBook(context.clock.monotonic, lifetime=config.receipt_seconds)
        self._listeners: list[Callable[[str], None]] = []
        self._visible: dict[bytes, tuple[str, ...]] = {}

    @property
    def revision(self) -> str:
        """The revision of the policies in force."""
        return self._judge.engine.revision

    def register_surface(self, name: str) -> None:
        """Make a further surface known; its folder is read at the next reload."""
        if self.sets.add_surface(name) and (self.sets.directory / name).is_dir():
            self._context.tasks.start("surface", self._reload_quietly(f"surface {name}"))

    def evaluate(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Say what would be decided, without a record, a rate count or an approval."""
        return self._judge.judge(request, rules)

    async def decide(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Decide and write the audit record."""
        return await self._decide(_untouched(request), rules)

    async def authorize(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Decide for a surface; returns an allowing decision, raises `PolicyDenied` or `PolicyHeld`."""
        request = _untouched(request)
        decision = await self._decide(request, rules)
        await self._refuse(request, decision)
        return decision

    async def admit(
        self, request: PolicyRequest, *, rules: AgentRules | None = None, approval: str | None = None
    ) -> Receipt:
        """Decide and mint the receipt of this action; raises `PolicyDenied` or `PolicyHeld`."""
        request = _untouched(request)
        granted = await self._granted(request, approval) if approval else request
        decision = await self._decide(granted, rules)
        await self._refuse(request, decision)
        if decision.decision == "modify":
            granted = msgspec.structs.replace(granted, arguments=decision.arguments)
        if granted.arguments != request.arguments:
            await self._fit(granted)
        return self._receipts.mint(granted, decision, revision=self.revision)

    def redeem(self, receipt: Receipt) -> PolicyRequest:
        """Use up the receipt and return the action as it was admitted; raises `ReceiptRefused`."""
        return self._receipts.redeem(receipt, revision=self.revision)

    def visible_tools(self, request: PolicyRequest, tools: Sequence[ResourceFacts]) -> tuple[str, ...]:
        """Return the ids of the tools that could be allowed; kept per actor, surface and revision (POL-60)."""
        if self._judge.insecure:
            return tuple(tool.id for tool in tools)
        who = request.agent or request.principal
        key = msgspec.json.encode([self.revision, who, request.surface, list(tools)])
        if key not in self._visible:
            if len(self._visible) >= 512:
                self._visible.clear()
            self._visible[key] = self._judge.engine.visible_tools(request, tools)
        return self._visible[key]

    async def reload(self, *, author: str = "operator") -> PolicyReport:
        """Read the policy directory again; raises `PolicyInvalid` and keeps what is in force when it is not good."""
        before = self.revision
        try:
            report = await self.sets.reload(author=author)
        except PolicyInvalid as error:
            self.counts["reload_refused"] += 1
            _log.error("%s; %s", error.message, f"{before} stays in force" if before else "everything is denied")
            findings = error.report.findings
            self._context.events.publish(PolicyReloaded(ok=False, revision=before, findings=findings))
            raise
        self._changed(before, len(report.policies))
        return report

    async def rollback(self, revision: str | None, *, author: str) -> LoadedSet:
        """Put an earlier set in force again until the next reload; raises `NotFound`."""
        before = self.revision
        found = await self.sets.rollback(revision, author=author)
        self._changed(before, found.policies)
        return found

    def status(self) -> GateStatus:
        """Return what is in force."""
        current = self.sets.current
        state: Literal["enforcing", "deny_all", "insecure"] = "enforcing"
        if self._judge.insecure:
            state = "insecure"
        elif current is None or not current.policies:
            state = "deny_all"
        return GateStatus(
            engine=self._config.engine,
            revision=self.revision,
            state=state,
            directory=str(self.sets.directory),
            files=current.files if current else (),
            findings=self.sets.findings,
            loaded_at=current.loaded_at if current else None,
            counts=dict(self.counts),
        )

    async def health(self) -> Health:
        """Say whether policies are in force, and which."""
        status = self.status()
        figures = {"revision": status.revision, "state": status.state}
        if status.state == "insecure":
            return unhealthy("policy is switched off", remedy="remove insecure_allow_all from [policy]", **figures)
        if self._config.audit == "strict" and self._context.services.maybe(AuditLog) is None:
            return unhealthy("there is no audit log, so everything is denied", remedy=NO_AUDIT, **figures)
        if self.sets.problem:
            return degraded(self.sets.problem, remedy="symbi policy check", **figures)
        return healthy(f"{self._config.engine}, {len(status.files)} files", **figures)

    def on_reload(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(revision)` after each change of policies; returns its undo."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def _decide(self, request: PolicyRequest, rules: AgentRules | None) -> Decision:
        decision = self._judge.judge(request, rules)
        if self._judge.insecure:
            warn_of(request)
            self.counts["insecure"] += 1
        self.counts[decision.decision] += 1
        if decision.decision != "allow" or self._sampled():
            audit = self._context.services.maybe(AuditLog)
            await record(audit, request, decision, mode=self._config.audit, insecure=self._judge.insecure)
        if decision.allowed:
            count_rates(request, decision, self._rates)
            count_rule_rates(request, rules, self._rates)
        self._context.events.publish(_event(request, decision, self._judge.insecure))
        return decision

    def _sampled(self) -> bool:
        share = self._config.audit_allow_sample
        return share >= 1.0 or self._context.random.random() < share

    async def _refuse(self, request: PolicyRequest, decision: Decision) -> None:
        if decision.allowed:
            return
        if decision.decision == "hold":
            await self._hold(request, decision)
        raise PolicyDenied(decision.reason, details=decision.denial())

    async def _hold(self, request: PolicyRequest, decision: Decision) -> None:
        approvals = self._context.services.maybe(Approvals)
        if approvals is None:
            raise PolicyDenied(
                f"{decision.reason}, but nobody can give it", hint=NO_APPROVALS, details=decision.denial()
            )
        if not (request.run_id or request.call_id):
            reason = f"{request.label()} needs an approval, and nothing tells this action from another like it"
            raise PolicyDenied(reason, details=decision.denial())
        held = await approvals.hold(
            request,
            reason=decision.reason,
            group=",".join(approval_groups(decision)),
            policy_revision=self.revision,
        )
        raise PolicyHeld(decision.reason, approval_id=held.id, decision=decision)

    async def _granted(self, request: PolicyRequest, approval_id: str) -> PolicyRequest:
        """Return the request with what an approval grants; unchanged when it is not for exactly this."""
        approvals = self._context.services.maybe(Approvals)
        if approvals is None:
            return request
        found = await approvals.get(approval_id)
        if found.status in ("denied", "expired", "cancelled"):
            why = found.resolution_reason or found.status
            details = {"code": "approval_denied", "approval_id": found.id, "status": found.status, "retryable": False}
            raise PolicyDenied(f"{request.label()} was not approved: {why}", details=details)
        agent_revision = request.agent.revision if request.agent else ""
        bound = (found.action_hash, found.policy_revision, found.agent_revision)
        if found.status != "approved" or bound != (action_hash(request), self.revision, agent_revision):
            _log.warning("approval %s is not for this %s as it stands now; it is held anew", found.id, request.label())
            return request
        edited = await approvals.arguments_of(approval_id)
        arguments = request.arguments if edited is msgspec.UNSET else edited
        return msgspec.structs.replace(request, arguments=arguments, approvals=tuple(found.group.split(",")))

    async def _fit(self, request: PolicyRequest) -> None:
        """Refuse arguments that an edit or a redaction has made unfit for the tool (RSN-10)."""
        tools = self._context.services.maybe(ToolService)
        if request.action != "tool_call" or tools is None:
            return
        try:
            await tools.validate(request.target, request.arguments)
        except SymbiError as error:
            reason = f"{request.label()} is denied: as modified, its arguments do not fit the tool: {error.message}"
            details = {"code": "policy_denied", "retryable": False, "reason": reason}
            raise PolicyDenied(reason, details=details) from error

    async def _reload_quietly(self, author: str) -> None:
        try:
            await self.reload(author=author)
        except PolicyInvalid:
            return

    def _changed(self, before: str, policies: int) -> None:
        if self.sets.problem:
            _log.warning("%s: every agent is denied everything", self.sets.problem)
        if self.revision == before:
            return
        self.counts["reloads"] += 1
        self._visible.clear()
        _log.info("policies %s in force (%d)", self.revision, policies)
        self._context.events.publish(PolicyReloaded(ok=True, revision=self.revision, policies=policies))
        for listener in list(self._listeners):
            try:
                listener(self.revision)
            except Exception:
                _log.exception("a listener to policy changes failed")


def _untouched(request: PolicyRequest) -> PolicyRequest:
    """Return the request without approvals that its caller claims; only the gate may put them there."""
    if not request.action.isidentifier() or len(request.action) > 64 or len(request.target) > 512:
        raise InvalidRequest(f"{request.label()[:200]!r} is no action", details={"field": "action"})
    return msgspec.structs.replace(request, approvals=()) if request.approvals else request


def _event(request: PolicyRequest, decision: Decision, insecure: bool) -> PolicyDecided:
    return PolicyDecided(
        decision=decision.decision,
        action=request.action,
        target=request.target,
        principal=request.principal.id,
        agent=request.agent.id if request.agent else "",
        run_id=request.run_id,
        surface=request.surface,
        policies=decision.policies,
        revision=decision.revision,
        insecure=insecure,
        latency_us=decision.latency_us,
    )
