"""Schedule blocks (spec `dsl.md` §5.7)."""

from __future__ import annotations

from symbi.contracts.definitions import ScheduleSpec
from symbi_dsl.facts.cron import CronProblem, check_cron
from symbi_dsl.facts.reader import Reader
from symbi_dsl.facts.scope import Scope
from symbi_dsl.facts.times import moment_problem, zone_exists, zone_names
from symbi_dsl.syntax.hints import close_match
from symbi_dsl.syntax.items import Declaration, Props

__all__ = ["schedule_spec"]

_DELIVERY = ("stdout", "log_file", "webhook", "slack", "email", "custom")
_OPTIONS = (
    "webhook_url",
    "webhook_headers",
    "slack_channel",
    "email_recipients",
    "session_mode",
    "heartbeat",
    "max_concurrent",
    "max_retries",
    "max_jitter",
    "agent_pin_jwt",
)
_KNOWN = (
    "name",
    "cron",
    "at",
    "timezone",
    "agent",
    "policy",
    "audit",
    "one_shot",
    "deliver",
    "delivery",
    *_OPTIONS,
)
_CONDITIONS = (
    "require_approval",
    "max_runtime",
    "require_capabilities",
    "allowed_hours",
    "allowed_environments",
    "require_agent_pin",
)


def schedule_spec(scope: Scope, node: Declaration, *, agent: str | None, key: str) -> ScheduleSpec:
    """Return the facts of one schedule; `agent` is the one it is nested in."""
    reader = Reader(scope, "schedule", node.props, _KNOWN)
    name = node.name or reader.word("name") or "schedule"
    if node.name is not None and reader.has("name") and reader.word("name") != node.name:
        scope.error("E415", f"schedule '{node.name}' is also named '{reader.word('name')}'", reader.at("name"))
    if node.name is None and not reader.has("name"):
        scope.error("E420", "a schedule needs a name", node, "write `schedule name { … }`")
    cron, source = _cron(reader, name, node)
    at = _moment(reader)
    policies, conditions = _policy(reader)
    return ScheduleSpec(
        name=name,
        key=key.format(name=name),
        line=scope.line(node),
        cron=cron,
        cron_source=source,
        at=at,
        timezone=_zone(reader),
        agent=reader.word("agent") or agent or name,
        policies=policies,
        conditions=conditions,
        audit=reader.choice("audit", ("none", "errors_only", "all_operations")),
        one_shot=reader.flag("one_shot") or at is not None,
        delivery=_delivery(reader),
        options={option: scope.plain(reader.value(option)) for option in _OPTIONS if reader.has(option)},
    )


def _cron(reader: Reader, name: str, node: Declaration) -> tuple[str | None, str | None]:
    has_cron, has_at = reader.has("cron"), reader.has("at")
    if has_cron == has_at:
        problem = "cannot specify both 'cron' and 'at'" if has_cron else "must specify either 'cron' or 'at'"
        reader.scope.error("E406", f"schedule '{name}': {problem}", reader.at("at") if has_at else node)
    text = reader.word("cron")
    if text is None:
        return None, None
    try:
        six, five = check_cron(text)
    except CronProblem as problem:
        reader.scope.error("E407", f"schedule '{name}': bad cron expression: {problem}", reader.at("cron"))
        return None, text
    if five:
        message = "a cron expression of five fields is read with second 0"
        reader.scope.warn("W305", message, reader.at("cron"), f'write "{six}"')
    return six, text


def _moment(reader: Reader) -> str | None:
    text = reader.word("at")
    if text is None:
        return None
    problem = moment_problem(text)
    if problem is not None:
        reader.scope.error("E407", f"'at': {problem}", reader.at("at"))
    return text


def _zone(reader: Reader) -> str:
    zone = reader.word("timezone", "UTC") or "UTC"
    if not zone_exists(zone):
        near = None if reader.scope.problems.full else close_match(zone, zone_names())
        hint = f"did you mean `{near}`?" if near else "use a name such as `Europe/Berlin`"
        reader.scope.error("E407", f"unknown time zone '{zone}'", reader.at("timezone"), hint)
        return "UTC"
    return zone


def _policy(reader: Reader) -> tuple[tuple[str, ...], dict[str, object]]:
    node = reader.value("policy")
    if isinstance(node, Props):
        conditions = Reader(reader.scope, "schedule policy", node, _CONDITIONS)
        return (), conditions.rest(())
    return reader.words("policy"), {}


def _delivery(reader: Reader) -> tuple[str, ...]:
    found = (*reader.words("deliver"), *reader.words("delivery"))
    key = "deliver" if reader.has("deliver") else "delivery"
    for target in found:
        kind = target.partition("://")[0].lower()
        if kind not in _DELIVERY:
            near = close_match(kind, _DELIVERY)
            hint = f"did you mean `{near}`?" if near else f"use {', '.join(_DELIVERY)}"
            reader.scope.warn("W310", f"unknown delivery '{target}': nothing is sent there", reader.at(key), hint)
    return found
