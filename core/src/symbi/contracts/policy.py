"""Policy: what an agent or a caller wants to do, what was decided about it, and the receipt that lets it happen.

A `PolicyEngine` (`policy_engines.py`) turns policy texts into decisions. The `Gate` is the one service
that every effect passes: it combines the engine with the agent's own rules, enforces obligations, writes the audit
record and mints the `Receipt` without which nothing is dispatched. Everything else (runs, tools, memory, channels,
schedules) only asks the gate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.definitions import RuleSet
from symbi.contracts.errors import Conflict, InvalidRequest, PolicyDenied
from symbi.contracts.languages import Language
from symbi.contracts.policy_sets import PolicyFinding, PolicyReport
from symbi.contracts.principal import Principal

__all__ = [
    "ACTIONS",
    "END_ACTIONS",
    "AgentFacts",
    "AgentRules",
    "Decision",
    "DecisionKind",
    "Gate",
    "GateStatus",
    "Obligation",
    "PolicyDecided",
    "PolicyHeld",
    "PolicyReloaded",
    "PolicyRequest",
    "Receipt",
    "ReceiptRefused",
    "ResourceFacts",
    "RuleRef",
    "Source",
    "action_hash",
]

DecisionKind = Literal["allow", "deny", "hold", "modify"]

Source = Literal["model", "program", "prehydrate", "human", "schedule", "channel", "event", "api", "system"]
"""Where an action comes from: a model's proposal, an agent's program, a person's request, and so on."""

ACTIONS = (
    "tool_call", "delegate", "respond", "terminate", "reason",
    "memory_read", "memory_write", "memory_share", "memory_forget", "knowledge_read", "knowledge_write",
    "comm_send", "comm_receive", "channel_send", "channel_receive",
    "channel_create", "channel_update", "channel_delete",
    "schedule_create", "schedule_update", "schedule_delete", "schedule_run",
    "agent_create", "agent_update", "agent_delete", "agent_execute", "agent_message", "agent_event", "workflow_execute",
    "secret_read", "resource_access", "resource_allocate", "skill_load", "mcp_connect", "tool_install",
)  # fmt: skip
"""The kinds of action known today; any other lower-case word is accepted and denied unless a policy names it."""

END_ACTIONS = frozenset({"respond", "terminate"})
"""How a run ends: needs no permit of its own, but a forbid or an error still stops it."""


class AgentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the runtime knows of the acting agent; never taken from what the agent says.

    `revision` identifies the definition that runs (a hash or a counter as text); `tier` is its sandbox tier
    (`tier0`…`tier4`).
    """

    id: str
    name: str = ""
    tier: str = "tier1"
    owner: str = ""
    environment: str = "development"
    trust: str = "standard"
    groups: tuple[str, ...] = ()
    revision: str = ""


class ResourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the runtime knows of the thing acted on: its entity type (`Tool`, `Memory`, `Schedule`, `Channel`,
    `Agent`, …), id and attributes.

    Attributes a tool has: `server`, `risk` (`low`, `medium`, `high`), `verified`, `idempotent`; values are text,
    whole numbers or booleans.
    """

    type: str = "Tool"
    id: str = ""
    attributes: Mapping[str, str | int | bool] = {}
    groups: tuple[str, ...] = ()


class PolicyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One action that somebody wants to happen.

    `principal` is the authenticated identity behind it (POL-5); `agent` is set when an agent acts, and is then the
    principal of the policy. `action` is the kind (see `ACTIONS`), `target` the tool, agent, channel or schedule it
    names. `arguments` are as proposed, JSON values. `trusted` holds only what the runtime itself filled in.
    `approvals` names approvals that the gate has verified; callers leave it empty. `time_ms` is UTC milliseconds, 0 =
    the gate's clock. `run_id` and `call_id` tell two equal actions apart.
    """

    principal: Principal
    action: str
    target: str = ""
    arguments: Any = {}
    agent: AgentFacts | None = None
    resource: ResourceFacts | None = None
    surface: str = "run"
    session: str = ""
    depth: int = 0
    chain: tuple[str, ...] = ()
    iteration: int = 0
    source: Source = "model"
    trusted: Mapping[str, Any] = {}
    approvals: tuple[str, ...] = ()
    time_ms: int = 0
    run_id: str = ""
    call_id: str = ""

    def label(self) -> str:
        """Return the action as one word for people and policies: `tool_call::clock`, `respond`."""
        return f"{self.action}::{self.target}" if self.target else self.action


def action_hash(request: PolicyRequest) -> str:
    """Return the SHA-256 (hex) of exactly what would happen: who, what, on what, with which arguments, in which run
    and call.

    Keys are sorted, so that the order in which arguments came does not matter; anything else that changes, changes
    the hash.
    """
    agent = request.agent
    canonical = [
        request.principal.id,
        [agent.id, agent.revision] if agent else None,
        request.action,
        request.target,
        request.arguments,
        request.surface,
        request.run_id,
        request.call_id,
    ]
    try:
        encoded = msgspec.json.encode(canonical, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequest(
            f"the arguments of {request.label()} are no JSON: {error}", details={"field": "arguments"}
        ) from None
    return hashlib.sha256(encoded).hexdigest()


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a permit demands: `approval` (value: group), `redact` (`args.x`), `rate` (`10/60s`), `log`
    (`full`), `sandbox` (`tier2`).
    """

    kind: str
    value: str = ""
    policy: str = ""


class RuleRef(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of an agent's own policy block that took part in a decision."""

    policy: str
    rule: str
    line: int = 0


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, why, and by what (POL-6).

    `reason` is one sentence that may be shown to the model. `policies` are ids (`@id` or `<file>_<n>`), `rules` the
    agent's own. With `modify`, `arguments` replaces those proposed. `latency_us` is the engine's share in
    microseconds. `matched` is false when nothing matched at all (the default denial), which is what separates "nobody
    allowed it" from "somebody forbade it".
    """

    decision: DecisionKind
    reason: str
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    advice: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    arguments: Any = msgspec.UNSET
    revision: str = ""
    latency_us: int = 0
    matched: bool = True
    limits: Mapping[str, Any] = {}
    """What the agent's rules ask of whoever carries the action out: `timeout_seconds`, `max_bytes` (of the arguments, already held)."""

    @property
    def allowed(self) -> bool:
        """Tell whether the action may happen now, as proposed or as modified."""
        return self.decision in ("allow", "modify")

    def denial(self) -> dict[str, Any]:
        """Return what an agent is told about a denial: machine-readable, and clear that trying again is useless."""
        return {
            "code": "policy_denied",
            "reason": self.reason,
            "retryable": False,
            "advice": list(self.advice),
            "policies": list(self.policies),
        }


class PolicyHeld(Conflict):
    """The action waits for a person: `approval_id` is what to wait for, then admit it again with it."""

    code = "APPROVAL_REQUIRED"

    def __init__(self, message: str, *, approval_id: str, decision: Decision) -> None:
        super().__init__(message, details={"approval_id": approval_id, "policies": list(decision.policies)})
        self.approval_id = approval_id
        self.decision = decision


class ReceiptRefused(PolicyDenied):
    """A receipt is forged, used, too old, or minted for another action, policy or definition."""

    code = "RECEIPT_REFUSED"


class AgentRules(msgspec.Struct, frozen=True, kw_only=True):
    """The `policy` blocks of one agent with what their guards may read; evaluated in the parent, beside the engine.

    `language` is an opened `symbi.contracts.languages.Language`. The gate asks it with the tool's name for a tool call
    and with the kind of action for anything else. `environment` adds names to those the gate itself gives to guards
    (`agent`, `session`, `context`, `request`, `parameters`, `user`, `action`).
    """

    language: Language
    rules: RuleSet
    capabilities: frozenset[str] = frozenset()
    sandbox: str | None = None
    environment: Mapping[str, Any] = {}


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that this gate admitted exactly this action; good for one dispatch, in this process, within its lifetime."""

    id: str
    action_hash: str
    policy_revision: str
    agent_revision: str
    request: PolicyRequest
    decision: Decision


class GateStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force: for `GET /api/v1/policy`, health and metrics."""

    engine: str
    revision: str
    state: Literal["enforcing", "deny_all", "insecure"]
    directory: str
    files: tuple[dict[str, Any], ...] = ()
    findings: tuple[PolicyFinding, ...] = ()
    loaded_at: str | None = None
    counts: dict[str, int] = {}


@runtime_checkable
class Gate(Protocol):
    """The one door. Nothing acts without passing it, and every decision is written to the audit log."""

    @property
    def revision(self) -> str:
        """The revision of the policies in force."""
        ...

    def register_surface(self, name: str) -> None:
        """Make a further surface known, so that a policy folder may be named after it. Registering twice does
        nothing.
        """
        ...

    def evaluate(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Say what would be decided, without a record, a rate count or an approval."""
        ...

    async def decide(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Decide and write the audit record; raises only when the record is required and cannot be written."""
        ...

    async def authorize(self, request: PolicyRequest, *, rules: AgentRules | None = None) -> Decision:
        """Decide for a surface (POL-40); returns an allowing decision, raises `PolicyDenied` or `PolicyHeld`."""
        ...

    async def admit(
        self, request: PolicyRequest, *, rules: AgentRules | None = None, approval: str | None = None
    ) -> Receipt:
        """Decide and mint the receipt of this action; raises `PolicyDenied` or `PolicyHeld`.

        `approval` is the id of a resolved approval of this very action. If it was approved for other arguments,
        another policy revision or another definition, it counts for nothing and the action is held anew. An
        approver's edit replaces the arguments and is decided again.
        """
        ...

    def redeem(self, receipt: Receipt) -> PolicyRequest:
        """Use up the receipt and return the action as it was admitted, which is what must be carried out; raises
        `ReceiptRefused`.
        """
        ...

    def visible_tools(self, request: PolicyRequest, tools: Sequence[ResourceFacts]) -> tuple[str, ...]:
        """Return the ids of the tools worth offering to the model: those that could be allowed (POL-60)."""
        ...

    async def reload(self) -> PolicyReport:
        """Read the policy directory again; raises `PolicyInvalid` and keeps what is in force when it is not good."""
        ...

    def status(self) -> GateStatus:
        """Return what is in force."""
        ...

    def on_reload(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(revision)` after each change of policies; returns its undo."""
        ...


class PolicyDecided(msgspec.Struct, frozen=True, kw_only=True):
    """Event: the gate decided. Arguments are left out on purpose; `insecure` marks a decision made with the switch
    off.
    """

    decision: DecisionKind
    action: str
    target: str
    principal: str
    agent: str
    run_id: str
    surface: str
    policies: tuple[str, ...]
    revision: str
    insecure: bool = False
    latency_us: float | None = None


class PolicyReloaded(msgspec.Struct, frozen=True, kw_only=True):
    """Event: another set of policies is in force, or a new one was refused (`ok` false) and the old one stays."""

    ok: bool
    revision: str
    policies: int = 0
    findings: tuple[PolicyFinding, ...] = ()
