"""Effects: everything an agent asks of the runtime. The agent's process can only ask; the parent decides, acts, journals and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from symbi.contracts.errors import SymbiError
from symbi.contracts.offers import Ref
from symbi.contracts.principal import Principal

__all__ = [
    "EffectCall",
    "EffectContext",
    "EffectDenied",
    "EffectFailed",
    "EffectHandler",
    "EffectReply",
    "Effects",
    "ReplyStatus",
]

ReplyStatus = Literal["ok", "denied", "failed"]


class EffectCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request of an agent over its pipe.

    `kind` is the class of effect (`tool`, `model`, `delegate`, `remember`, `recall`, `forget`, `sleep`, `log` …), `name` what it is
    aimed at (a tool's name, an agent's name), `arguments` a JSON object; `line` and `column` are 1-based, 0 where unknown. `seq` counts the
    calls of one attempt from 1: a resumed run answers calls that its journal already holds from the journal.
    """

    seq: int
    kind: str
    name: str
    arguments: dict[str, Any] = {}
    line: int = 0
    column: int = 0
    call_id: str = ""
    origin: Literal["program", "model", "prefetch"] = "program"
    """Who proposed it: the program's text, a model's output, or the runtime itself before the model's first turn."""


class EffectReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one `EffectCall`: a value, a denial or a failure; `retryable` tells whether asking again may help."""

    seq: int
    status: ReplyStatus
    value: Any = None
    code: str = ""
    message: str = ""
    retryable: bool = False


class EffectDenied(SymbiError):
    """Policy, or a person asked for approval, said no; raised inside the agent's process."""

    code = "policy_denied"


class EffectFailed(SymbiError):
    """The effect was allowed and failed; `retryable` tells whether asking again may help."""

    code = "effect_failed"

    def __init__(self, message: str, *, code: str | None = None, retryable: bool = False) -> None:
        super().__init__(message, code=code)
        self.retryable = retryable


class Effects(Protocol):
    """What a program sees of the runtime, inside the agent's process; every call blocks until the parent has answered."""

    def call(
        self,
        kind: str,
        name: str,
        arguments: dict[str, Any],
        *,
        line: int = 0,
        column: int = 0,
        call_id: str = "",
        origin: str = "program",
    ) -> Any:
        """Ask for one effect and return its value; raises `EffectDenied` or `EffectFailed`."""

    def call_many(
        self,
        calls: Sequence[tuple[str, str, dict[str, Any]]],
        *,
        line: int = 0,
        column: int = 0,
        origin: str = "program",
        call_ids: Sequence[str] = (),
        at_most: int = 0,
    ) -> list[EffectReply]:
        """Ask for several effects at once and return their replies in the order of the calls; never raises for a single one.

        No more than `at_most` are under way at a time (0: no bound); `call_ids` go with the calls, in order.
        """

    def step(self, line: int) -> None:
        """Report that the program has reached `line`; cheap, lossy, bounded in rate."""

    def log(self, message: str, *, line: int = 0) -> None:
        """Write one line (at most 4 KiB) to the run's journal; not gated, since it goes nowhere else."""


class EffectContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the parent knows of the run that asks; filled by the runtime alone, never from the agent's words."""

    run_id: str
    agent_id: str
    agent: str
    principal: Principal
    """On whose behalf the run was started."""
    attempt: int
    surface: str
    depth: int
    chain: tuple[str, ...]
    session: str | None
    working_folder: str
    deadline_ms: int | None
    """UTC milliseconds after which the run is stopped; an effect must not outlive it."""
    traceparent: str | None = None
    parent_run_id: str | None = None
    """The run that delegated to this one, whose budgets it shares."""


class EffectHandler(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration of the hook `effect_handlers`: who carries out one kind of effect once the gate has allowed it.

    `handle` names `async (call: EffectCall, run: EffectContext, context: PluginContext) -> Any`; it raises a `SymbiError` for a failure.
    `gated=False` is for effects that touch nothing outside the run (`sleep`). `plugin_hint` is what to install where the handler is missing.
    """

    kind: str
    handle: Ref
    summary: str
    gated: bool = True
    idempotent: bool = False
    """Whether carrying it out twice does no harm: a resumed run may repeat a call that was begun and never finished."""
