"""The functions of a tool's source and their JSON Schemas, read by `ast`: nothing is run to find out."""

from __future__ import annotations

import ast
import hashlib
import json
from typing import Any

import msgspec

__all__ = ["ToolFunction", "functions_of", "pin_of"]

_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "List": "array",
    "Dict": "object",
}
_MARKS = frozenset({"tool", "function_tool", "mcp_tool"})


class ToolFunction(msgspec.Struct, frozen=True, kw_only=True):
    """One callable of a tool."""

    name: str
    description: str
    parameters: dict[str, Any]


def functions_of(source: str) -> list[ToolFunction]:
    """Marked functions of a Python source, or all public ones where none is marked."""
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    marked = [node for node in nodes if any(_mark(mark) in _MARKS for mark in node.decorator_list)]
    chosen = marked or [node for node in nodes if not node.name.startswith("_")]
    return [
        ToolFunction(name=node.name, description=(ast.get_docstring(node) or "")[:4096], parameters=_schema(node))
        for node in chosen
    ]


def _mark(node: ast.expr) -> str:
    inner = node.func if isinstance(node, ast.Call) else node
    return inner.attr if isinstance(inner, ast.Attribute) else inner.id if isinstance(inner, ast.Name) else ""


def _schema(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Any]:
    spec = node.args
    plain = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    optional = {arg.arg for arg in spec.args[len(spec.args) - len(spec.defaults) :]} if spec.defaults else set()
    optional |= {arg.arg for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if default is not None}
    names = [arg for arg in plain if arg.arg not in ("self", "cls", "ctx", "context")]
    properties = {arg.arg: _type(arg.annotation) for arg in names}
    return {
        "type": "object",
        "properties": properties,
        "required": [arg.arg for arg in names if arg.arg not in optional],
        "additionalProperties": False,
    }


def _type(node: ast.expr | None) -> dict[str, Any]:
    base = node.value if isinstance(node, ast.Subscript) else node
    word = _TYPES.get(base.id) if isinstance(base, ast.Name) else None
    return {"type": word} if word else {}


def pin_of(description: str, source: str) -> str:
    """What is pinned: the description and every function's name, description and schema."""
    try:
        shown: Any = [msgspec.to_builtins(function) for function in functions_of(source)]
    except (SyntaxError, ValueError):
        shown = hashlib.sha256(source.encode()).hexdigest()
    return hashlib.sha256(json.dumps([description, shown], sort_keys=True).encode()).hexdigest()
