"""Which texts of a source a model will read: docstrings, descriptions, defaults, errors, results. A linter's data is none of them."""

from __future__ import annotations

import re

from symbi_static.flow.entries import mark_name
from symbi_static.ir.nodes import (
    Assign,
    Attr,
    Bin,
    Call,
    ClassDef,
    Const,
    DictOf,
    Func,
    If,
    Join,
    Jump,
    Loop,
    Module,
    Name,
    Return,
    Stmt,
    Try,
)

__all__ = ["function_names", "readable_texts"]

_KEYS = frozenset(
    {
        "description",
        "title",
        "doc",
        "instructions",
        "prompt",
        "summary",
        "default",
        "help",
        "text",
        "system",
        "__doc__",
        "message",
        "error",
        "content",
        "note",
        "usage",
        "hint",
        "label",
        "placeholder",
        "detail",
        "annotations",
        "examples",
        "const",
    }
)
_NAMED = "\x00"  # marks a name whose text is looked up
_DESCRIBERS = frozenset(
    {
        "describe",
        "Field",
        "Tool",
        "tool",
        "registerTool",
        "addTool",
        "register_tool",
        "FastMCP",
        "Server",
        "McpServer",
        "Annotated",
        "Param",
        "Query",
        "setDescription",
        "TextContent",
        "StructuredTool",
        "McpError",
        "Error",
    }
)


def readable_texts(module: Module) -> list[tuple[int, str]]:
    """(line, text) of everything in the source that reaches a model."""
    found: list[tuple[int, str]] = [(1, module.doc)] if module.doc else []
    _statements(module.body, found)
    known = _constants(module.body)
    named = [known[text[1:]] for _, text in found if text.startswith(_NAMED) and text[1:] in known]
    texts = {*(each for each in found if not each[1].startswith(_NAMED)), *named}
    return [(line, text) for line, text in sorted(texts) if len(text) >= 8]


def _constants(body: list[Stmt]) -> dict[str, tuple[int, str]]:
    """Names of the module that hold one text, so that `description=DESC` is read where DESC stands."""
    found: dict[str, tuple[int, str]] = {}
    for node in body:
        if isinstance(node, Assign) and isinstance(node.targets[0], Name):
            text = _folded(node.value)
            if text is not None:
                found[node.targets[0].id] = (node.value.line, text)
    return found


def _statements(body: list[Stmt], found: list[tuple[int, str]]) -> None:
    for node in body:
        match node:
            case Assign(targets=targets, value=value):
                target = targets[0]
                name = target.id if isinstance(target, Name) else target.name if isinstance(target, Attr) else ""
                if isinstance(value, Func):
                    _function(value, found)
                elif name.lower().strip("_") in _KEYS or re.search(
                    r"(?:desc|description|instructions|prompt|doc|docs|help)$", name, re.IGNORECASE
                ):
                    _texts(value, found)
                else:
                    _walk(value, found)
            case Return(value=value) | Jump(value=value):
                if value is not None:
                    _texts(value, found)
            case If(yes=yes, no=no):
                _statements(yes, found)
                _statements(no, found)
            case Loop(body=inner):
                _statements(inner, found)
            case Try(body=inner, handlers=handlers, final=final):
                for part in [inner, *(handler for _, handler in handlers), final]:
                    _statements(part, found)
            case ClassDef(body=inner, doc=doc):
                if doc:
                    found.append((node.line + 1, doc))
                _statements(inner, found)
            case _:
                _walk(getattr(node, "value", None), found)


def _function(func: Func, found: list[tuple[int, str]]) -> None:
    if func.doc:
        found.append((func.doc_line or func.line, func.doc))
    for param in func.params:
        if param.default is not None:
            _texts(param.default, found)
    for mark in func.marks:
        _texts(mark, found) if mark_name(mark) in _DESCRIBERS else _walk(mark, found)
    _statements(func.body, found)


def _texts(node: object, found: list[tuple[int, str]]) -> None:
    """All strings below a node."""
    folded = _folded(node)
    if folded is not None:
        found.append((getattr(node, "line", 1), folded))
        return
    if isinstance(node, Name):
        found.append((node.line, _NAMED + node.id))
        return
    if isinstance(node, Func):
        _function(node, found)
        return
    if isinstance(node, list | tuple):
        for part in node:
            _texts(part, found)
    elif isinstance(node, dict):
        for part in node.values():
            _texts(part, found)
    elif hasattr(node, "__slots__"):
        for cls in type(node).__mro__:
            for slot in getattr(cls, "__slots__", ()):
                if slot not in ("line", "end", "fn", "name", "id", "op"):
                    _texts(getattr(node, slot), found)


def _folded(node: object) -> str | None:
    match node:
        case Const(value=str() as text):
            return text
        case Bin(op="+", left=left, right=right):
            first, second = _folded(left), _folded(right)
            return first + second if first is not None and second is not None else None
        case Join(parts=parts):
            return "".join("…" if (piece := _folded(part)) is None else piece for part in parts)
        case _:
            return None


def _walk(node: object, found: list[tuple[int, str]]) -> None:
    """Strings under telling names only."""
    match node:
        case Func():
            _function(node, found)
        case Call(fn=fn, args=args, named=named):
            name = mark_name(node)
            if name in _DESCRIBERS:
                _texts(args, found)
            for key, value in named.items():
                _texts(value, found) if key.lower() in _KEYS else _walk(value, found)
            _walk(fn, found)
            for arg in args:
                _walk(arg, found)
        case DictOf(keys=keys, values=values):
            for own, value in zip(keys, values, strict=True):
                word = str(own.value).lower() if isinstance(own, Const) else ""
                _texts(value, found) if word in _KEYS else _walk(value, found)
        case list() | tuple():
            for part in node:
                _walk(part, found)
        case _:
            if hasattr(node, "__slots__"):
                for cls in type(node).__mro__:
                    for slot in getattr(cls, "__slots__", ()):
                        if slot not in ("line", "end"):
                            _walk(getattr(node, slot), found)


def function_names(module: Module) -> frozenset[str]:
    """Names of the functions of a file: its own tools, which it may speak of."""
    names: set[str] = set()
    stack: list[object] = [module.body]
    while stack:
        part = stack.pop()
        if isinstance(part, Func):
            names.add(part.name)
        if (
            isinstance(part, Call)
            and part.args
            and isinstance(part.args[0], Const)
            and isinstance(part.args[0].value, str)
        ):
            names.add(part.args[0].value)
        if isinstance(part, list | tuple):
            stack.extend(part)
        elif isinstance(part, dict):
            stack.extend(part.values())
        elif hasattr(part, "__slots__"):
            for cls in type(part).__mro__:
                stack.extend(
                    getattr(part, slot) for slot in getattr(cls, "__slots__", ()) if slot not in ("line", "end")
                )
    return frozenset(name for name in names if len(name) <= 64)
