"""Agent languages: what turns the text of a definition into typed facts, policy rules and a program (spec `dsl.md`).

A language is offered with `AgentLanguage` (found by name or file suffix) and opened as a `Language`. Its functions are
pure: no I/O, no clock, bounded in time and memory. Its interpreter is named by `AgentLanguage.entry` and imported in
the agent host; whatever a program wants from the world it asks of `symbi.contracts.effects.Effects`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from symbi.contracts.definitions import (
    AgentSpec,
    ChannelSpec,
    Diagnostic,
    FunctionSpec,
    MemorySpec,
    Parameter,
    ParsedDefinition,
    PolicyRule,
    PolicySpec,
    Program,
    RuleSet,
    ScheduleSpec,
    TypeSpec,
    WebhookSpec,
)
from symbi.contracts.errors import InvalidRequest, SymbiError
from symbi.contracts.offers import Offer

if TYPE_CHECKING:
    from symbi.contracts.effects import Effects

__all__ = [
    "POSITIONAL",
    "AgentLanguage",
    "AgentSpec",
    "ChannelSpec",
    "DefinitionInvalid",
    "Diagnostic",
    "FunctionSpec",
    "Interpreter",
    "Language",
    "MemorySpec",
    "Parameter",
    "ParsedDefinition",
    "PolicyRule",
    "PolicySpec",
    "Program",
    "ProgramFailed",
    "ProgramLimits",
    "RuleRequest",
    "RuleSet",
    "RuleVerdict",
    "ScheduleSpec",
    "TypeSpec",
    "Verdict",
    "WebhookSpec",
    "choose_agent",
    "require_valid",
]

POSITIONAL = "$args"
"""The key under which an effect's arguments carry the list of those given without a name; absent when none."""

Verdict = Literal["allow", "deny", "hold", "defer"]


class RuleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One proposed action, as the gate sees it before it asks the rules of an agent.

    `action` is the name of the tool or operation; `arguments` are its arguments by name, in the order of the call or of
    the tool's parameters; `resource` is what it acts on, if known; `environment` gives guards their names (`user`,
    `session`, `context`, `agent`, `request`, `parameters` …), JSON-ready. `capabilities` are those granted to the
    agent, `sandbox` is the tier it runs in, `approved` says that a person has approved this very action. `rates` counts
    earlier calls in the window of a `rate_limiting` requirement, as `{"<policy>:<line>": count}`; None: nobody counts.
    """

    action: str
    arguments: dict[str, Any] = {}
    resource: Any = None
    environment: dict[str, Any] = {}
    capabilities: frozenset[str] = frozenset()
    sandbox: str | None = None
    approved: bool = False
    rates: dict[str, int] | None = None


class RuleVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules of an agent say of one action.

    `defer` means that no rule speaks and the agent has no allow rule: the global gate decides. `hold` means that a
    `require` rule asks for a person's approval. `policy`, `rule` and `line` name the rule that decided (empty and 0 for
    `defer` and for the closed world). `audit` are the audit records that matched, `limits` what the requirements ask of
    whoever carries the action out (`timeout_seconds`, `max_bytes`); `diagnostics` tells of guards that failed and how
    they were counted (dsl.md §8).
    """

    decision: Verdict
    reason: str = ""
    policy: str = ""
    rule: str = ""
    line: int = 0
    audit: tuple[dict[str, Any], ...] = ()
    limits: dict[str, Any] = {}
    diagnostics: tuple[str, ...] = ()


class ProgramLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one run of a program (dsl.md §7.2); exceeding one fails the run with its own code.

    `max_text` is in code points, `max_items` in list or map entries, `max_cells` the sum of both over all that one run
    makes; `wall_seconds` is None where whoever runs it keeps the time.
    """

    max_steps: int = 100_000
    max_depth: int = 100
    max_iterations: int = 10_000
    max_text: int = 1_048_576
    max_items: int = 100_000
    max_cells: int = 64_000_000
    wall_seconds: float | None = None


class ProgramFailed(SymbiError):
    """A program ended with an error; `kind` is the language's name for it (`PolicyDenied`, `StepLimit`, `TypeError` …).

    `error_code` is what the run record carries (`policy_denied`, `step_limit`, `type_error` …); `line` and `column` say
    where, 1-based, 0 if unknown; `details` is JSON-ready.
    """

    code = "program_failed"

    def __init__(
        self, message: str, *, code: str, kind: str, line: int = 0, column: int = 0, details: Any = None
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.kind = kind
        self.line = line
        self.column = column


class Language(Protocol):
    """An opened language; every method is pure, synchronous and bounded, and never raises on bad text."""

    name: str
    entry: str

    def parse(self, text: str | bytes, *, path: str = "", agents: frozenset[str] | None = None) -> ParsedDefinition:
        """Read and validate one definition.

        `agents` are the names that references may mean besides those of the text itself; with None an unknown reference
        is only a warning (a file on its own).
        """

    def format(self, text: str) -> tuple[str, tuple[Diagnostic, ...]]:
        """Return the text in its canonical layout, or as it was with the diagnostics that forbid to touch it."""

    def brief(self, text: str) -> str:
        """Return the text without comments, for the prompt of a model."""

    def derive(
        self, name: str, *, system_prompt: str, model: str = "", tools: tuple[str, ...] = (), description: str = ""
    ) -> str:
        """Return a definition for an agent that was described by fields instead of a text."""

    def evaluate_rules(self, rules: RuleSet, request: RuleRequest) -> RuleVerdict:
        """Decide one action by the rules of an agent; fails closed and never raises (dsl.md §8)."""


class AgentLanguage(Offer, frozen=True, kw_only=True):
    """A declaration of the hook `agent_languages`: the file `suffixes` of a language and its interpreter.

    `open(config, context)` gives a `Language`. `entry` names `(job: ExecutionJob, effects: Effects) -> value`, imported
    in the agent host, whose `job.program` is a `Program` as builtins; its module imports nothing heavy.
    """

    suffixes: tuple[str, ...]
    entry: str


class Interpreter(Protocol):
    """The function behind a language's `entry`, for those who run a program without a job.

    Effects (kind, name, arguments): `tool` (tool's name; by name, positional ones under `POSITIONAL`) ·
    `reason`, `llm` (the builtin as written: `reason`, `llm_call`, `chain`, `debate`, `map_reduce`, `director`) ·
    `delegate`, `ask`, `send`, `spawn` (agent's name; `message`, …) · `parallel`, `race` (`tasks`: list of `{agent,
    message}`) · `remember`, `recall`, `forget` (store's name or ""; `record`/`query`/`limit`/…) · `publish`,
    `subscribe` (topic; `value`) · `approval` (what for; as written) · `check` (policy's name; answers a bool) · `sleep`
    (`seconds`) · `wait_event` (type; `seconds`) · `respond` (`value`) · `now` (answers epoch milliseconds) · `id`
    (answers a fresh id) · `audit` (event; `values`, `level`). `print` and `log` go to `Effects.log`. A secret stands in
    arguments as `{"$secret": "vault://…"}`; only the runtime puts in its value, and never where a model could read it.
    """

    def __call__(
        self,
        program: Program,
        *,
        arguments: dict[str, Any],
        effects: Effects,
        limits: ProgramLimits | None = None,
        facts: dict[str, Any] | None = None,
    ) -> Any:
        """Run the program to its end and return its JSON-ready value; raises `ProgramFailed`.

        `facts` are names that the program may read (`context`, `session`, `request`, `user` …) and `capabilities`, the
        list of what `require capability` finds granted (the agent's own declarations where it is absent).
        """


class DefinitionInvalid(InvalidRequest):
    """A definition does not parse or does not hold; `details.diagnostics` is as in `symbi dsl check --json`."""

    code = "DSL_VALIDATION_ERROR"


def require_valid(parsed: ParsedDefinition) -> ParsedDefinition:
    """Return `parsed` if it has no error; raise `DefinitionInvalid` otherwise.

    The code is `DSL_PARSE_ERROR` for a text that does not parse, `DSL_VALIDATION_ERROR` for one that does not hold.
    """
    errors = parsed.errors
    if not errors:
        return parsed
    syntax = any(item.code[:2] in ("E0", "E1", "E2") for item in errors)
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise DefinitionInvalid(
        f"{first.line}:{first.column} {first.code} {first.message}{more}",
        code="DSL_PARSE_ERROR" if syntax else "DSL_VALIDATION_ERROR",
        hint=first.hint,
        details={"diagnostics": [item.view() for item in parsed.diagnostics]},
    )


def choose_agent(parsed: ParsedDefinition, name: str | None = None) -> AgentSpec:
    """Return the agent that a request means: the only one, else the one called `name` (dsl.md §5.2).

    Raises `DefinitionInvalid` where the text declares no agent, or several and none of that name.
    """
    if len(parsed.agents) == 1:
        return parsed.agents[0]
    for agent in parsed.agents:
        if agent.name == name:
            return agent
    if not parsed.agents:
        problem, hint = "no agent declaration found", "add `agent name { … }`"
    else:
        names = ", ".join(agent.name for agent in parsed.agents)
        problem, hint = f"the definition declares several agents and none is called {name!r}", f"use one of {names}"
    found = Diagnostic(
        severity="error", code="E400", message=problem, hint=hint, line=1, column=1, end_line=1, end_column=1
    )
    raise DefinitionInvalid(problem, hint=hint, details={"diagnostics": [found.view()]})
