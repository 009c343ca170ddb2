"""A gate for tests of features that ask one: it answers as a test says and remembers what it was asked."""

from __future__ import annotations

import fnmatch
import secrets
from collections.abc import Callable, Iterable, Sequence

from symbi.contracts.errors import PolicyDenied
from symbi.contracts.policy import (
    AgentRules,
    Decision,
    GateStatus,
    PolicyHeld,
    PolicyRequest,
    Receipt,
    ReceiptRefused,
    ResourceFacts,
    action_hash,
)
from symbi.contracts.policy_sets import PolicyReport

__all__ = ["FakeGate"]


class FakeGate:
    """Allows what `allow` names (globs over `tool_call::clock`, `respond` …), holds what `hold` names, denies everything else.

    `asked` lists every request that was decided, `redeemed` every action that was dispatched. A held action passes with the id in
    `granted`.
    """

    def __init__(self, allow: Iterable[str] = ("*",), *, hold: Iterable[str] = ()) -> None:
        self.allow = list(allow)
        self.hold = list(hold)
        self.granted: set[str] = set()
        self.asked: list[PolicyRequest] = []
        self.redeemed: list[PolicyRequest] = []
        self.revision = "fake"
        self._out: dict[str, PolicyRequest] = {}

    def register_surface(self, name: str) -> None:
        """Do nothing."""

    def evaluate(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Return the answer that the test has set."""
        label = request.label()
        if any(fnmatch.fnmatchcase(label, pattern) for pattern in self.hold):
            return Decision(decision="hold", reason=f"{label} waits", policies=("fake",), revision=self.revision)
        if any(fnmatch.fnmatchcase(label, pattern) for pattern in self.allow):
            return Decision(decision="allow", reason=f"{label} is fine", policies=("fake",), revision=self.revision)
        return Decision(decision="deny", reason=f"{label} is not allowed", matched=False, revision=self.revision)

    async def decide(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Return the answer, and remember the question."""
        self.asked.append(request)
        return self.evaluate(request)

    async def authorize(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Return an allowing decision; raises `PolicyDenied` or `PolicyHeld`."""
        return await self._settled(request, None)

    async def admit(
        self, request: PolicyRequest, *, rules: AgentRules | None = None, approval: str | None = None
    ) -> Receipt:
        """Return a receipt; raises `PolicyDenied` or `PolicyHeld`."""
        decision = await self._settled(request, approval)
        receipt = Receipt(
            id=secrets.token_hex(8),
            action_hash=action_hash(request),
            policy_revision=self.revision,
            agent_revision=request.agent.revision if request.agent else "",
            request=request,
            decision=decision,
        )
        self._out[receipt.id] = request
        return receipt

    def redeem(self, receipt: Receipt) -> PolicyRequest:
        """Return the admitted action, once."""
        request = self._out.pop(receipt.id, None)
        if request is None or receipt.request != request:
            raise ReceiptRefused("this gate minted no such receipt, or it has been used")
        self.redeemed.append(request)
        return request

    def visible_tools(self, request: PolicyRequest, tools: Sequence[ResourceFacts]) -> tuple[str, ...]:
        """Return the tools that are not denied."""
        patterns = [*self.allow, *self.hold]
        labels = {tool.id: f"tool_call::{tool.id}" for tool in tools}
        return tuple(
            name for name, label in labels.items() if any(fnmatch.fnmatchcase(label, each) for each in patterns)
        )

    async def reload(self) -> PolicyReport:
        """Find nothing wrong."""
        return PolicyReport(revision=self.revision)

    def status(self) -> GateStatus:
        """Say that this is a fake."""
        return GateStatus(engine="fake", revision=self.revision, state="enforcing", directory="")

    def on_reload(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Never call it."""
        return lambda: None

    async def _settled(self, request: PolicyRequest, approval: str | None) -> Decision:
        decision = await self.decide(request)
        if decision.decision == "hold":
            if approval is not None and approval in self.granted:
                return Decision(decision="allow", reason="approved", policies=("fake",), revision=self.revision)
            raise PolicyHeld(decision.reason, approval_id=secrets.token_hex(8), decision=decision)
        if not decision.allowed:
            raise PolicyDenied(decision.reason, details=decision.denial())
        return decision
