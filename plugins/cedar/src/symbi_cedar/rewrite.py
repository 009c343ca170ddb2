"""Brings a parsed policy into the one dialect that requests speak, so that old policies match instead of being
silently void.

Works on Cedar's JSON policy format. What is rewritten, and why (policy.md §2.1, §5):

- `Agent::"x"` becomes `Symbi::Agent::"x"`, likewise every known type without a namespace;
- `principal == Agent::"name"` becomes `in`, because an agent answers to its id and to its name (its name is a parent);
- `resource == Resource::"default"` becomes `in`, because every resource has that parent;
- `context.tool_input` becomes `context.args`; in a policy of the old dialect an unknown `context.x` becomes
  `context.trusted.x`, where the runtime puts such facts now.
"""

from __future__ import annotations

from typing import Any

from symbi_cedar.names import CONTEXT_KEYS, ENTITY_TYPES, NAMESPACE, is_uuid, qualified

__all__ = ["Rewriter", "rewrite"]

Tree = dict[str, Any]
_DEFAULT = (qualified("Resource"), "default")
_AGENT = qualified("Agent")


def rewrite(policy: Tree) -> tuple[Tree, frozenset[str]]:
    """Return the policy in our dialect and the notes on what was changed: `namespace`, `tool_input`, `trusted`."""
    rewriter = Rewriter()
    scoped = {part: rewriter.scope(part, policy[part]) for part in ("principal", "action", "resource")}
    conditions = [{"kind": each["kind"], "body": rewriter.expression(each["body"])} for each in policy["conditions"]]
    return {**policy, **scoped, "conditions": conditions}, frozenset(rewriter.notes)


class Rewriter:
    """Rewrites one policy and remembers what it changed."""

    def __init__(self) -> None:
        self.notes: set[str] = set()

    def scope(self, part: str, constraint: Tree) -> Tree:
        """Rewrite one of the three constraints of a policy's head."""
        found = dict(constraint)
        if "entity" in found:
            found["entity"] = self._entity(found["entity"])
            if found.get("op") == "==" and _has_alias(part, found["entity"]):
                found["op"] = "in"
        if "entities" in found:
            found["entities"] = [self._entity(each) for each in found["entities"]]
        if "entity_type" in found:
            found["entity_type"] = self._type(found["entity_type"])
        if isinstance(found.get("in"), dict) and "entity" in found["in"]:
            found["in"] = {"entity": self._entity(found["in"]["entity"])}
        return found

    def expression(self, node: Any) -> Any:
        """Rewrite an expression and everything below it."""
        if isinstance(node, list):
            return [self.expression(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "Value" in node:
            return {"Value": self._value(node["Value"])}
        if "is" in node and isinstance(node["is"], dict) and "entity_type" in node["is"]:
            body = {key: self.expression(value) for key, value in node["is"].items() if key != "entity_type"}
            return {"is": {**body, "entity_type": self._type(node["is"]["entity_type"])}}
        for operator in (".", "has"):
            if operator in node and node[operator].get("left") == {"Var": "context"}:
                return {operator: self._context_access(node[operator]["attr"])}
        return self._membership({key: self.expression(value) for key, value in node.items()})

    def _entity(self, entity: Tree) -> Tree:
        return {**entity, "type": self._type(entity["type"])}

    def _type(self, name: str) -> str:
        if "::" in name or name not in ENTITY_TYPES:
            return name
        self.notes.add("namespace")
        return f"{NAMESPACE}::{name}"

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict) and "__entity" in value:
            return {"__entity": self._entity(value["__entity"])}
        return value

    def _context_access(self, attribute: str) -> Tree:
        if attribute == "tool_input":
            self.notes.add("tool_input")
            return {"left": {"Var": "context"}, "attr": "args"}
        if "namespace" in self.notes and attribute not in CONTEXT_KEYS:
            self.notes.add("trusted")
            return {"left": {".": {"left": {"Var": "context"}, "attr": "trusted"}}, "attr": attribute}
        return {"left": {"Var": "context"}, "attr": attribute}

    @staticmethod
    def _membership(node: Tree) -> Tree:
        for operator in ("==", "!="):
            if operator in node and (pair := _variable_and_alias(node[operator])):
                inside: Tree = {"in": {"left": pair[0], "right": pair[1]}}
                return inside if operator == "==" else {"!": {"arg": inside}}
        body = node.get("contains")
        if isinstance(body, dict) and body.get("right") in ({"Var": "principal"}, {"Var": "resource"}):
            members = body["left"].get("Set") if isinstance(body["left"], dict) else None
            if members and all(_alias_of(body["right"], member) for member in members):
                return {"in": {"left": body["right"], "right": body["left"]}}
        return node


def _has_alias(part: str, entity: Tree) -> bool:
    if part == "resource" and (entity["type"], entity["id"]) == _DEFAULT:
        return True
    return part in ("principal", "resource") and entity["type"] == _AGENT and not is_uuid(entity["id"])


def _alias_of(variable: Any, node: Any) -> bool:
    value = node.get("Value") if isinstance(node, dict) else None
    entity = value.get("__entity") if isinstance(value, dict) else None
    return isinstance(entity, dict) and isinstance(variable, dict) and _has_alias(str(variable.get("Var")), entity)


def _variable_and_alias(body: Tree) -> tuple[Any, Any] | None:
    left, right = body["left"], body["right"]
    if _alias_of(left, right):
        return left, right
    if _alias_of(right, left):
        return right, left
    return None
