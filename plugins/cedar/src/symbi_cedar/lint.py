"""Looks over parsed policies: errors refuse the set, warnings name what is doubtful (POL-32)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from symbi.contracts.policy import ACTIONS
from symbi.contracts.policy_sets import PolicyFinding
from symbi_cedar.names import CONTEXT_KEYS, ENTITY_TYPES, NAMESPACE, OPTIONAL_CONTEXT_KEYS
from symbi_cedar.obligations import read_obligations, unknown_obligations
from symbi_cedar.parse import ParsedPolicy

__all__ = ["lint", "lint_policy"]

_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_NOTES = {
    "namespace": "entity types without the namespace Symbi:: are read as Symbi::…; write them so",
    "tool_input": "context.tool_input is read as context.args; write it so",
    "trusted": "context attributes that only the runtime fills are below context.trusted; write them so",
}


def lint(policies: list[ParsedPolicy]) -> list[PolicyFinding]:
    """Return what is found in the policies, each on its own and all together."""
    found = [finding for policy in policies for finding in lint_policy(policy)]
    return found + list(_duplicates(policies))


def lint_policy(policy: ParsedPolicy) -> Iterator[PolicyFinding]:
    """Yield the findings of one policy."""
    for check in _CHECKS:
        for severity, code, message in check(policy):
            yield policy.finding(severity, code, message)


Found = Iterator[tuple[Literal["error", "warning"], str, str]]


def _text(policy: ParsedPolicy) -> Found:
    for kind, value in _strings(policy.tree):
        if kind == "name" and not value.isascii():
            yield (
                "error",
                "non-ascii",
                f"{value!a} has characters beyond ASCII, which look like others; spell it in ASCII",
            )
        elif kind == "text" and (scripts := _mixed(value)):
            yield "error", "mixed-script", f"{value!a} mixes {' and '.join(scripts)} letters in one word"


def _obligations(policy: ParsedPolicy) -> Found:
    for each in unknown_obligations(read_obligations(policy.annotations, policy=policy.id)):
        yield "error", "unknown-obligation", f"the obligation {each!r} is not known, and would deny whatever it is on"
    if policy.effect == "forbid" and ("obligation" in policy.annotations or "obligations" in policy.annotations):
        yield "warning", "forbid-obligation", "an obligation on a forbid does nothing"


def _types(policy: ParsedPolicy) -> Found:
    for name in sorted(_entity_types(policy.tree)):
        namespace, _, base = name.rpartition("::")
        if namespace != NAMESPACE:
            yield "error", "unknown-type", f"no request has an entity of type {name}; did you mean {NAMESPACE}::{base}?"
        elif base not in ENTITY_TYPES and not base.endswith("Group"):
            yield "warning", "unknown-type", f"{name} is no type that the runtime itself uses"


def _actions(policy: ParsedPolicy) -> Found:
    for action in sorted(policy.actions() or ()):
        kind = action.partition("::")[0]
        if kind not in ACTIONS and not kind.startswith("comm_"):
            yield "warning", "unknown-action", f"the runtime knows no action {kind!r}; this policy may never apply"


def _permit_all(policy: ParsedPolicy) -> Found:
    heads = (policy.tree[part]["op"] for part in ("principal", "action", "resource"))
    if policy.effect == "permit" and all(op == "All" for op in heads) and not policy.tree["conditions"]:
        yield "warning", "permit-all", "this permits everything to everybody, save what is forbidden"


def _attributes(policy: ParsedPolicy) -> Found:
    guarded, used = _context_attributes(policy.tree["conditions"])
    for name in sorted(used - guarded - CONTEXT_KEYS):
        message = f"no request has context.{name}, so evaluating this errs, and an error denies"
        yield "warning", "unknown-attribute", message


def _unguarded(policy: ParsedPolicy) -> Found:
    """Warn of reading an argument that the policy does not ask for first, where it speaks of more than one action."""
    named = policy.actions()
    if named is not None and len(named) == 1 and all("::" in action for action in named):
        return
    asked, read = _argument_attributes(policy.tree["conditions"])
    for name in sorted(read - asked):
        yield "warning", "unguarded-argument", f"not every request has {name}; ask with `has` first, or an error denies"


def _style(policy: ParsedPolicy) -> Found:
    for note in sorted(policy.notes):
        yield "warning", f"old-{note.replace('_', '-')}", _NOTES[note]
    if not policy.annotations.get("id"):
        yield "warning", "missing-id", f'it has no @id("…"), so that decisions name it {policy.id}'


_CHECKS: tuple[Callable[[ParsedPolicy], Found], ...] = (
    _text, _obligations, _types, _actions, _permit_all, _attributes, _unguarded, _style
)  # fmt: skip


def _duplicates(policies: list[ParsedPolicy]) -> Iterator[PolicyFinding]:
    ids: dict[str, ParsedPolicy] = {}
    bodies: dict[tuple[str, bytes], ParsedPolicy] = {}
    for policy in policies:
        first = ids.setdefault(policy.id, policy)
        if first is not policy:
            message = f"the id {policy.id!r} is used before, in {first.source.path or first.source.name}"
            yield policy.finding("error", "duplicate-id", message)
        bare = {key: value for key, value in policy.tree.items() if key != "annotations"}
        same = bodies.setdefault((policy.source.layer, msgspec.json.encode(bare, order="sorted")), policy)
        if same is not policy:
            yield policy.finding("warning", "duplicate-policy", f"it says the same as {same.id!r}")


def _strings(node: Any) -> Iterator[tuple[Literal["name", "text"], str]]:
    """Yield every name (types, ids, attributes) and every literal text below the node; annotations are left out."""
    if isinstance(node, list):
        for each in node:
            yield from _strings(each)
        return
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "annotations":
            continue
        if isinstance(value, str):
            if key in ("type", "id", "attr", "entity_type"):
                yield "name", value
            elif key in ("Value", "Literal"):
                yield "text", value
        else:
            if key == "Record" and isinstance(value, dict):
                yield from (("name", name) for name in value)
            yield from _strings(value)


def _entity_types(node: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(node, list):
        for each in node:
            found |= _entity_types(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "entity_type" and isinstance(value, str):
                found.add(value)
            elif key in ("entity", "__entity") and isinstance(value, dict) and "type" in value:
                found.add(value["type"])
            elif key == "entities" and isinstance(value, list):
                found |= {each["type"] for each in value}
            elif key != "annotations":
                found |= _entity_types(value)
    return found


def _context_attributes(node: Any) -> tuple[set[str], set[str]]:
    """Return the attributes of `context` that the node asks for with `has`, and those that it reads."""
    guarded: set[str] = set()
    used: set[str] = set()
    if isinstance(node, list):
        parts = node
    elif isinstance(node, dict):
        for key, group in (("has", guarded), (".", used)):
            body = node.get(key)
            if isinstance(body, dict) and body.get("left") == {"Var": "context"} and isinstance(body.get("attr"), str):
                group.add(body["attr"])
        parts = list(node.values())
    else:
        return guarded, used
    for part in parts:
        below = _context_attributes(part)
        guarded |= below[0]
        used |= below[1]
    return guarded, used


def _argument_attributes(node: Any) -> tuple[set[str], set[str]]:
    """Return the attributes directly below `context.args` and `context.trusted` that are asked for, and those read."""
    asked: set[str] = set()
    read: set[str] = set()
    parts = node if isinstance(node, list) else list(node.values()) if isinstance(node, dict) else []
    for key, group in (("has", asked), (".", read)):
        body = node.get(key) if isinstance(node, dict) else None
        if isinstance(body, dict) and (place := _below_context(body.get("left"))):
            group.add(f"{place}.{body['attr']}")
    for part in parts:
        below = _argument_attributes(part)
        asked |= below[0]
        read |= below[1]
    return asked, read


def _below_context(node: Any) -> str | None:
    """Return `context.args` or `context.trusted` where the node is that, else None."""
    inner = node.get(".") if isinstance(node, dict) else None
    if isinstance(inner, dict) and inner.get("left") == {"Var": "context"} and inner["attr"] in OPTIONAL_CONTEXT_KEYS:
        return f"context.{inner['attr']}"
    return None


def _mixed(text: str) -> list[str]:
    """Return the scripts that meet in one word of the text, when there are several."""
    if text.isascii():
        return []
    for word in text.split():
        names = {unicodedata.name(char, "").split(" ")[0] for char in word if char.isalpha()}
        scripts = [each.capitalize() for each in _SCRIPTS if each in names]
        if len(scripts) > 1:
            return scripts
    return []
