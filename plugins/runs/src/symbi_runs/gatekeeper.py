"""Asks the gate for one run: fills in who acts, waits where a person is to decide, and brings back what may be carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.approvals import Approval, Approvals
from symbi.contracts.effects import EffectCall, EffectContext
from symbi.contracts.errors import PolicyDenied, SymbiError
from symbi.contracts.policy import (
    AgentFacts,
    AgentRules,
    Decision,
    Gate,
    PolicyHeld,
    PolicyRequest,
    ResourceFacts,
    Source,
)
from symbi_runs.actions import action_of
from symbi_runs.shown import shown

if TYPE_CHECKING:
    from symbi.kernel.services import Services

__all__ = ["Gatekeeper", "Park"]

Park = Callable[[str, str], Awaitable[None]]
"""Told `(approval id, reason)` before the run waits for a person, and `("", "")` when it goes on."""

_SOURCES: dict[str, Source] = {"program": "program", "model": "model", "prefetch": "prehydrate"}


class Gatekeeper:
    """The gate as one run meets it."""

    def __init__(
        self,
        services: Services,
        run: EffectContext,
        facts: AgentFacts,
        *,
        rules: AgentRules | None,
        trusted: Mapping[str, Any],
        decided: Callable[[dict[str, Any]], None],
        children: Callable[[], int] = lambda: 0,
    ) -> None:
        self._services = services
        self._run = run
        self._facts = facts
        self._rules = rules
        self._children = children
        self._trusted = trusted
        self._decided = decided
        self.seconds: dict[int, float] = {}
        """By call: how long the agent's own `require` rules let it take."""

    def request(
        self, call: EffectCall, target: str, resource: ResourceFacts | None, *, ahead: int = 0
    ) -> PolicyRequest:
        """Return the question that the gate is asked about a call; `ahead` tasks of the same call come before it."""
        run = self._run
        return PolicyRequest(
            principal=run.principal,
            action=action_of(call.kind),
            target=target,
            arguments=call.arguments,
            agent=self._facts,
            resource=resource,
            surface=run.surface,
            session=run.session or "",
            depth=run.depth,
            chain=run.chain,
            source=_SOURCES.get(call.origin, "program"),
            trusted={**self._trusted, "concurrent_agents": self._children() + ahead},
            run_id=run.run_id,
            call_id=call.call_id or str(call.seq),
        )

    async def admit(self, call: EffectCall, request: PolicyRequest, *, park: Park, approval: str | None = None) -> Any:
        """Return the arguments that may be carried out, after a person has agreed where policy asks for one.

        Raises `PolicyDenied`. `approval` is one that an earlier life of this run was waiting for.
        """
        gate = self._services.get(Gate)
        while True:
            if approval is not None:
                await self._await(approval, park)
            try:
                receipt = await gate.admit(request, rules=self._rules, approval=approval)
            except PolicyHeld as held:
                self._tell(call, request, held.decision)
                if held.approval_id == approval:
                    raise PolicyDenied(
                        "the approval does not hold for this action any more", details={"approval_id": approval}
                    ) from None
                approval = held.approval_id
                continue
            except PolicyDenied as denied:
                self._tell_denied(call, request, denied)
                raise
            self._tell(call, request, receipt.decision)
            seconds = receipt.decision.limits.get("timeout_seconds")
            if seconds is not None:
                self.seconds[call.seq] = min(float(seconds), self.seconds.get(call.seq, float(seconds)))
            return gate.redeem(receipt).arguments

    def check(self, call: EffectCall) -> bool:
        """Tell whether policy would allow the action that is named, with its arguments; nothing is recorded."""
        action, _, target = call.name.partition("::")
        if not target:
            action, target = "tool_call", action
        question = msgspec.structs.replace(self.request(call, target, None), action=action)
        return self._services.get(Gate).evaluate(question, rules=self._rules).allowed

    async def ask(self, call: EffectCall, *, park: Park, approval: str | None) -> dict[str, Any]:
        """Ask a person, as the program wants it; return `{approved, status, reason, by}`, the denial included."""
        approvals = self._services.get(Approvals)
        if approval is None:
            summary = str(
                call.arguments.get("message") or call.arguments.get("action") or call.name or "the program asks"
            )
            held = await approvals.hold(
                self.request(call, call.name, None),
                reason=summary[:500],
                group=str(call.arguments.get("group") or "approvers"),
                policy_revision=self._services.get(Gate).revision,
            )
            approval = held.id
        held = await self._settled(approval, park)
        return {
            "approved": held.status == "approved",
            "status": held.status,
            "reason": held.resolution_reason,
            "by": held.resolved_by,
            "approval_id": held.id,
        }

    async def _await(self, approval: str, park: Park) -> None:
        held = await self._settled(approval, park)
        if held.status != "approved":
            why = f": {held.resolution_reason}" if held.resolution_reason else ""
            raise PolicyDenied(
                f"the approval was {held.status}{why}", details={"approval_id": approval, "status": held.status}
            )

    async def _settled(self, approval: str, park: Park) -> Approval:
        approvals = self._services.get(Approvals)
        held = await approvals.get(approval)
        if held.status == "pending":
            await park(approval, held.summary or held.reason)
            held = await approvals.wait(approval)
            await park("", "")
        return held

    def _tell(self, call: EffectCall, request: PolicyRequest, decision: Decision) -> None:
        self._decided(
            {
                "effect": call.seq,
                "kind": call.kind,
                "action": request.action,
                "target": request.target,
                "decision": decision.decision,
                "reason": decision.reason,
                "policies": list(decision.policies),
                "rules": [msgspec.to_builtins(rule) for rule in decision.rules],
                "line": call.line,
                "arguments": shown(call.arguments),
            }
        )

    def _tell_denied(self, call: EffectCall, request: PolicyRequest, denied: SymbiError) -> None:
        details = denied.details if isinstance(denied.details, dict) else {}
        self._decided(
            {
                "effect": call.seq,
                "kind": call.kind,
                "action": request.action,
                "target": request.target,
                "decision": "deny",
                "reason": denied.message,
                "policies": list(details.get("policies", ())),
                "line": call.line,
                "arguments": shown(call.arguments),
            }
        )
