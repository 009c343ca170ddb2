"""The facts of an agent definition, as plain frozen data that can be stored, sent and compared (spec `dsl.md` §5)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "AgentSpec",
    "ChannelSpec",
    "Diagnostic",
    "FunctionSpec",
    "MemorySpec",
    "Parameter",
    "ParsedDefinition",
    "PolicyRule",
    "PolicySpec",
    "Program",
    "RuleSet",
    "ScheduleSpec",
    "TypeSpec",
    "WebhookSpec",
]


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to say about a text: lines and columns are 1-based, columns count code points, `end_*` is exclusive.

    `snippet` is the line it points into, at most 80 characters, control characters escaped; `related` are other places
    (`{message, line, column}`), such as the brace that was never closed.
    """

    severity: Literal["error", "warning"]
    code: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int
    hint: str | None = None
    snippet: str = ""
    related: tuple[dict[str, Any], ...] = ()

    def view(self) -> dict[str, Any]:
        """Return what `symbi dsl check --json` and the HTTP API show of it."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
        }


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter or field: its type as written, its values' JSON Schema, its default where that is a literal."""

    name: str
    type: str
    schema: dict[str, Any] = {}
    required: bool = True
    default: Any = None


class PolicyRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: `target` and `guard` (without its `if`) as written, `config` the options of `audit … with`.

    `enforced` and `not_enforced` list the keys of a `require { … }` record that the gate acts on, and those it can only
    report (W310).
    """

    effect: Literal["allow", "deny", "require", "audit"]
    target: str
    guard: str | None = None
    config: str | None = None
    line: int
    column: int
    enforced: tuple[str, ...] = ()
    not_enforced: tuple[str, ...] = ()
    rate_count: int | None = None
    """At most so many actions …"""
    rate_window_seconds: int | None = None
    """… within so many seconds, counted by whoever asks (`RuleRequest.rates`) …"""
    rate_key: str | None = None
    """… apart for each value of this name of the environment, if one is given (`user`)."""


class PolicySpec(msgspec.Struct, frozen=True, kw_only=True):
    """A named policy block and its rules."""

    name: str
    line: int
    rules: tuple[PolicyRule, ...] = ()


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """All rules that apply to an agent, serialisable, evaluated in the gate by the language called `language`."""

    language: str = "symbi"
    policies: tuple[PolicySpec, ...] = ()
    default_deny: bool = False

    @property
    def empty(self) -> bool:
        """Tell that no rule speaks at all."""
        return not self.default_deny and not any(policy.rules for policy in self.policies)


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent host interprets: the whole text, the agent in it, and where to begin.

    `entry` is `with` (the agent's `with` blocks in order), `function` (`entry_name`, usually `main`) or `behavior`
    (`entry_name`).
    """

    language: str
    source: str
    agent: str
    entry: Literal["with", "function", "behavior"]
    entry_name: str = ""
    line: int = 0
    path: str = ""


class ScheduleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule block; `cron` has six or seven fields,
    `cron_source` is as written; exactly one of `cron` and `at` is set.

    `key` identifies the declaration across restarts and edits: the agent or file scope, and the block's name. `options`
    are the remaining properties that scheduling knows (`max_retries`, `session_mode` …) in JSON form, `delivery` is
    always a list.
    """

    name: str
    key: str
    line: int
    cron: str | None = None
    cron_source: str | None = None
    at: str | None = None
    timezone: str = "UTC"
    agent: str
    policies: tuple[str, ...] = ()
    conditions: dict[str, Any] = {}
    audit: str | None = None
    one_shot: bool = False
    delivery: tuple[str, ...] = ()
    options: dict[str, Any] = {}


class ChannelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A channel block; `rules` decide on invocations that come through it."""

    name: str
    key: str
    line: int
    platform: str
    workspace: str | None = None
    channels: tuple[str, ...] = ()
    default_agent: str | None = None
    dlp_profile: str | None = None
    audit_level: str | None = None
    default_deny: bool = False
    rules: RuleSet = RuleSet()
    data_classification: dict[str, str] = {}
    options: dict[str, Any] = {}


class MemorySpec(msgspec.Struct, frozen=True, kw_only=True):
    """A memory block; `path` is relative and free of `..`; without a `search` block there are no weights."""

    name: str
    key: str
    line: int
    agent: str | None = None
    store: str = "markdown"
    path: str = "data/agents"
    retention: str = "90d"
    retention_seconds: float = 7_776_000.0
    vector_weight: float | None = None
    keyword_weight: float | None = None
    options: dict[str, Any] = {}


class WebhookSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook block; `secret` may be a reference (`vault://…`, `secret://…`); a literal is never shown."""

    name: str
    key: str
    line: int
    path: str
    provider: str = "custom"
    secret: str = ""
    unsigned: bool = False
    agent: str | None = None
    json_path: str | None = None
    equals: str | None = None
    contains: str | None = None
    options: dict[str, Any] = {}


class FunctionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A function or behaviour; `agent` is the agent it is nested in."""

    name: str
    kind: Literal["function", "behavior"]
    line: int
    agent: str | None = None
    parameters: tuple[Parameter, ...] = ()
    returns: str | None = None


class TypeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A `type` or `struct`: an alias of `target`, or a record with `fields`."""

    name: str
    kind: Literal["alias", "record"]
    line: int
    target: str | None = None
    fields: tuple[Parameter, ...] = ()


class AgentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one agent declares, typed.

    `sandbox` is a tier (`hosted`, `tier0` … `tier4`) or None where none is declared, `sandbox_source` as written;
    `sandbox_opt_in` marks a tier without isolation, which needs an opt-in of the runtime too. `timeout_seconds` is as
    declared (the runtime clamps it). `network_policy` is `deny_all`, `allow_all` or a list of hosts. `executor` is
    `claude_code`, `dsl` or another name, None for the normal loop. `program` is None when the agent has no body: it
    then runs the reasoning loop with its definition as the brief. `digest` is SHA-256 of the text.
    """

    name: str
    line: int
    description: str = ""
    version: str | None = None
    author: str | None = None
    capabilities: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    input_schema: dict[str, Any] = {}
    returns: str | None = None
    policies: tuple[PolicySpec, ...] = ()
    rules: RuleSet = RuleSet()
    sandbox: str | None = None
    sandbox_source: str | None = None
    sandbox_opt_in: bool = False
    timeout_seconds: float | None = None
    memory: str | None = None
    max_memory_mb: int | None = None
    max_cpu_cores: float | None = None
    cpu_seconds: float | None = None
    storage_mb: int | None = None
    network_policy: str | tuple[str, ...] | None = None
    requires: tuple[str, ...] = ()
    resources: dict[str, Any] = {}
    security: dict[str, Any] = {}
    model: str | None = None
    system_prompt: str | None = None
    tools: tuple[str, ...] = ()
    privacy: str | None = None
    executor: str | None = None
    allowed_tools: tuple[str, ...] = ()
    permission_mode: str | None = None
    priority: Literal["low", "normal", "high", "critical"] = "normal"
    retries: int | None = None
    failure: Literal["terminate", "restart", "escalate", "ignore"] | None = None
    options: dict[str, Any] = {}
    not_enforced: tuple[str, ...] = ()
    has_body: bool = False
    program: Program | None = None
    digest: str = ""


class ParsedDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says, and what is wrong with it; with errors the facts are for showing, never for acting."""

    path: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    agents: tuple[AgentSpec, ...] = ()
    metadata: dict[str, Any] = {}
    policies: tuple[PolicySpec, ...] = ()
    schedules: tuple[ScheduleSpec, ...] = ()
    channels: tuple[ChannelSpec, ...] = ()
    webhooks: tuple[WebhookSpec, ...] = ()
    memories: tuple[MemorySpec, ...] = ()
    functions: tuple[FunctionSpec, ...] = ()
    types: tuple[TypeSpec, ...] = ()
    digest: str = ""

    @property
    def ok(self) -> bool:
        """Tell that nothing is wrong; warnings do not count."""
        return not any(item.severity == "error" for item in self.diagnostics)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are errors."""
        return tuple(item for item in self.diagnostics if item.severity == "error")
