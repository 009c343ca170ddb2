"""Turns one policy text into policies with ids, annotations and lines, or into findings that say where it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from symbi.contracts.policy_sets import PolicyFinding, PolicySource
from symbi_cedar.rewrite import rewrite

if TYPE_CHECKING:
    import cedarpy

__all__ = ["ParsedPolicy", "handle", "parse_source", "statements"]

MAX_NESTING = 64
MAX_CHAIN = 100
MAX_TREE = 200
_TOO_DEEP = "its condition has too many parts in one chain; split it into several policies"
MAX_SOURCE = 2_000_000

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*')
_BRANCH = re.compile(r"\bif\b")
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;|\S')


class ParsedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy: its id, Cedar's JSON form after rewriting, its annotations, and where it stands."""

    id: str
    tree: dict[str, Any]
    annotations: dict[str, str]
    source: PolicySource
    line: int | None
    notes: frozenset[str] = frozenset()

    @property
    def effect(self) -> str:
        """Return `permit` or `forbid`."""
        return str(self.tree["effect"])

    def finding(self, severity: Literal["error", "warning"], code: str, message: str) -> PolicyFinding:
        """Return a finding about this policy, with its place."""
        return PolicyFinding(
            severity=severity, code=code, message=message, path=self.source.path, policy=self.id, line=self.line
        )

    def actions(self) -> frozenset[str] | None:
        """Return the ids of the actions or groups that the head names, None when it names none and so means all."""
        head = self.tree["action"]
        if head["op"] == "All":
            return None
        found = head.get("entities") or [head["entity"]]
        return frozenset(entity["id"] for entity in found)


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield `(line, text)` of each statement; strings and comments may hold semicolons. Lines count from 1."""
    start: int | None = None
    for token in _TOKEN.finditer(text):
        if token.group().startswith("//"):
            continue
        if start is None:
            start = token.start()
        if token.group() == ";":
            yield text.count("\n", 0, start) + 1, text[start : token.end()]
            start = None
    if start is not None:
        yield text.count("\n", 0, start) + 1, text[start:]


def parse_source(source: PolicySource) -> tuple[list[ParsedPolicy], list[PolicyFinding]]:
    """Parse one source; a text that does not parse gives no policy and one error for each statement at fault."""
    import cedarpy

    if deep := list(_too_deep(source)):
        return [], deep
    try:
        text = cedarpy.policies_to_json_str(source.text)
    except ValueError as error:
        return [], list(_faults(source, str(error)))
    if _nesting(_STRING.sub("", text)) > MAX_TREE:
        return [], list(_faults(source, _TOO_DEEP))
    parsed = json.loads(text)
    if parsed["templates"]:
        message = "templates (?principal, ?resource) authorize nothing by themselves; write the entity instead"
        return [], [PolicyFinding(severity="error", code="template", message=message, path=source.path)]
    trees = parsed["staticPolicies"]
    keys = sorted(trees, key=lambda key: int(key.removeprefix("policy")))
    lines: list[int | None] = [line for line, _text in statements(source.text)]
    if len(lines) != len(keys):
        lines = [None] * len(keys)
    policies = [_policy(source, n, trees[key], lines[n]) for n, key in enumerate(keys)]
    return policies, list(_unusable(policies))


def handle(policies: Iterable[ParsedPolicy]) -> cedarpy.PolicySet:
    """Return the policies as one parsed set of Cedar's, under our ids; raises `ValueError` when Cedar cannot hold
    them.
    """
    import cedarpy

    document = {"templates": {}, "templateLinks": [], "staticPolicies": {each.id: each.tree for each in policies}}
    return cedarpy.PolicySet.from_json_str(msgspec.json.encode(document).decode())


def _policy(source: PolicySource, number: int, tree: dict[str, Any], line: int | None) -> ParsedPolicy:
    annotations = {key: value or "" for key, value in tree.get("annotations", {}).items()}
    changed, notes = rewrite(tree)
    return ParsedPolicy(
        id=annotations.get("id") or f"{source.name}_{number}",
        tree=changed,
        annotations=annotations,
        source=source,
        line=line,
        notes=notes,
    )


def _too_deep(source: PolicySource) -> Iterator[PolicyFinding]:
    """Refuse what could exhaust the parser's stack, which would end the process and not just the parse."""
    if len(source.text) > MAX_SOURCE:
        message = f"the text is longer than {MAX_SOURCE} characters; split it"
        yield PolicyFinding(severity="error", code="too-large", message=message, path=source.path)
        return
    for line, text in statements(source.text):
        bare = _STRING.sub("", text)
        chains = max(bare.count("&&"), bare.count("||"), len(_BRANCH.findall(bare)))
        if _nesting(bare) > MAX_NESTING or chains > MAX_CHAIN:
            message = f"it is nested deeper than {MAX_NESTING}, or chains more than {MAX_CHAIN} parts; split it"
            yield PolicyFinding(severity="error", code="too-deep", message=message, path=source.path, line=line)


def _nesting(text: str) -> int:
    depth = deepest = 0
    for char in text:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth -= 1
    return deepest


def _unusable(policies: list[ParsedPolicy]) -> Iterator[PolicyFinding]:
    try:
        handle(policies)
    except ValueError:
        for policy in policies:
            try:
                handle([policy])
            except ValueError:
                yield policy.finding("error", "too-deep", _TOO_DEEP)


def _faults(source: PolicySource, whole: str) -> Iterator[PolicyFinding]:
    import cedarpy

    found = False
    for line, text in statements(source.text):
        try:
            tree = cedarpy.policies_to_json_str(text)
        except ValueError as error:
            found = True
            yield PolicyFinding(severity="error", code="syntax", message=str(error), path=source.path, line=line)
            continue
        if _nesting(_STRING.sub("", tree)) > MAX_TREE:
            found = True
            yield PolicyFinding(severity="error", code="too-deep", message=_TOO_DEEP, path=source.path, line=line)
    if not found:
        yield PolicyFinding(severity="error", code="syntax", message=whole, path=source.path)
