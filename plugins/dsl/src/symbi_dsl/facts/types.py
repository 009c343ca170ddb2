"""Types: aliases, JSON Schema, cycles (spec `dsl.md` §6)."""

from __future__ import annotations

from typing import Any

from symbi.contracts.definitions import Parameter, TypeSpec
from symbi_dsl.facts.scope import Scope
from symbi_dsl.syntax.expressions import Array, Literal, Record, Unary, Vault
from symbi_dsl.syntax.items import Param, Struct, TypeDef, TypeRef
from symbi_dsl.syntax.node import Node

__all__ = ["TypeTable", "input_schema", "type_text"]

_PLAIN: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "str": {"type": "string"},
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "duration": {"type": ["string", "number"]},
    "size": {"type": ["string", "number"]},
    "any": {},
    "json": {},
    "void": {"type": "null"},
    "null": {"type": "null"},
}
_LISTS = frozenset({"list", "array", "set", "vec"})
_MAPS = frozenset({"map", "dict", "hashmap"})
_OPTIONAL = frozenset({"optional", "option", "maybe"})
_RESULT = frozenset({"result"})
_DEPTH = 12


def type_text(ref: TypeRef | None) -> str | None:
    """Return a type as it is written in canonical form."""
    if ref is None:
        return None
    if not ref.args:
        return str(ref.name)
    return f"{ref.name}<{', '.join(type_text(arg) or '' for arg in ref.args)}>"


class TypeTable:
    """The types that a text declares."""

    def __init__(self, scope: Scope, declared: list[Node]) -> None:
        self.scope = scope
        self.nodes: dict[str, TypeDef | Struct] = {}
        for node in declared:
            if isinstance(node, TypeDef | Struct):
                self.nodes.setdefault(node.name, node)
        self._check_cycles()

    def _check_cycles(self) -> None:
        """Report aliases that lead to themselves: a walk over what aliases mention, each looked at once."""
        state: dict[str, int] = {}
        for first in self.nodes:
            stack = [(first, iter(self._mentioned(first)))] if first not in state else []
            state.setdefault(first, 1)
            while stack:
                name, rest = stack[-1]
                following = next(rest, None)
                if following is None:
                    state[name] = 2
                    stack.pop()
                elif state.get(following) == 1:
                    chain = [item for item, _ in stack]
                    chain = [*chain[chain.index(following) :], following][-6:]
                    message = f"type '{following}' is defined by itself: {' → '.join(chain)}"
                    self.scope.error("E405", message, self.nodes[following])
                elif following not in state:
                    state[following] = 1
                    stack.append((following, iter(self._mentioned(following))))

    def _mentioned(self, name: str) -> list[str]:
        """Return the declared types that an alias is made of; a record may mention itself."""
        node = self.nodes[name]
        if not isinstance(node, TypeDef) or node.target is None:
            return []
        found: list[str] = []
        waiting = [node.target]
        while waiting:
            item = waiting.pop()
            waiting.extend(item.args)
            if item.name in self.nodes:
                found.append(item.name)
        return found

    def schema(self, ref: TypeRef, depth: int = 0) -> dict[str, Any]:
        """Return the JSON Schema of a type; what is opaque or nested too deep takes anything."""
        name = ref.name.lower()
        if depth > _DEPTH:
            return {}
        node = self.nodes.get(ref.name)
        if node is not None:
            if isinstance(node, TypeDef) and node.target is not None:
                return self.schema(node.target, depth + 1)
            return self._record_schema(node.fields or [], depth + 1)
        if name in _PLAIN:
            return dict(_PLAIN[name])
        inner = [self.schema(arg, depth + 1) for arg in ref.args]
        if name in _LISTS:
            found: dict[str, Any] = {"type": "array"}
            if inner and inner[0]:
                found["items"] = inner[0]
            return found | ({"uniqueItems": True} if name == "set" else {})
        if name in _MAPS:
            return {"type": "object"} | ({"additionalProperties": inner[-1]} if inner and inner[-1] else {})
        if name in _OPTIONAL and inner:
            return {"anyOf": [inner[0], {"type": "null"}]} if inner[0] else {}
        if name in _RESULT and inner:
            return inner[0]
        return {}

    def _record_schema(self, fields: list[Param], depth: int) -> dict[str, Any]:
        properties = {field.name: self.schema(field.type, depth) for field in fields}
        required = [field.name for field in fields if not self._is_optional(field.type)]
        found: dict[str, Any] = {"type": "object", "properties": properties}
        return found | ({"required": required} if required else {})

    def _is_optional(self, ref: TypeRef) -> bool:
        return ref.name.lower() in _OPTIONAL and ref.name not in self.nodes

    def parameter(self, param: Param) -> Parameter:
        """Return the facts of a parameter or field."""
        return Parameter(
            name=param.name,
            type=type_text(param.type) or "any",
            schema=self.schema(param.type),
            required=param.default is None and not self._is_optional(param.type),
            default=self.scope.plain(param.default) if _is_literal(param.default) else None,
        )

    def parameters(self, params: list[Param]) -> tuple[Parameter, ...]:
        """Return the facts of a list of parameters."""
        return tuple(self.parameter(param) for param in params)

    def specs(self) -> tuple[TypeSpec, ...]:
        """Return the facts of every declared type, in the order of the text."""
        found = []
        for name, node in self.nodes.items():
            alias = isinstance(node, TypeDef) and node.target is not None
            found.append(
                TypeSpec(
                    name=name,
                    kind="alias" if alias else "record",
                    line=self.scope.line(node),
                    target=type_text(node.target) if isinstance(node, TypeDef) else None,
                    fields=() if alias else self.parameters(node.fields or []),
                )
            )
        return tuple(found)


def _is_literal(node: Node | None) -> bool:
    if isinstance(node, Array):
        return all(_is_literal(item) for item in node.items)
    if isinstance(node, Record):
        return all(_is_literal(value) for _, value in node.pairs)
    if isinstance(node, Unary):
        return _is_literal(node.operand)
    return isinstance(node, Literal | Vault)


def input_schema(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """Return the JSON Schema of an agent's input."""
    required = [item.name for item in parameters if item.required]
    found: dict[str, Any] = {"type": "object", "properties": {item.name: item.schema for item in parameters}}
    return found | ({"required": required} if required else {})
