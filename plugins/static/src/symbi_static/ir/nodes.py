"""The nodes of the intermediate form; `line` and `end` count from 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Assign", "Attr", "Bin", "Call", "ClassDef", "Comment", "Comp", "Cond", "Const", "DictOf", "Do", "Expr", "Func", "If", "Import", "Index",
    "Join", "Jump", "Loop", "Module", "Name", "Not", "Param", "Return", "Seq", "Stmt", "Test", "Try", "dump",
]  # fmt: skip


@dataclass(slots=True)
class Expr:
    line: int
    end: int


@dataclass(slots=True)
class Const(Expr):
    value: Any = None


@dataclass(slots=True)
class Name(Expr):
    id: str = ""


@dataclass(slots=True)
class Attr(Expr):
    obj: Expr
    name: str


@dataclass(slots=True)
class Index(Expr):
    """A subscript; `key` is None for a slice."""

    obj: Expr
    key: Expr | None


@dataclass(slots=True)
class Call(Expr):
    """A call; `named` maps keyword names to values, `spread` holds `*args` and `**kwargs`."""

    fn: Expr
    args: list[Expr]
    named: dict[str, Expr]
    spread: list[Expr]
    is_new: bool = False


@dataclass(slots=True)
class Join(Expr):
    """An f-string or a template string."""

    parts: list[Expr]


@dataclass(slots=True)
class Bin(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Test(Expr):
    """A comparison (`in`, `==`, `<` …, two operands) or `and`/`or` (any number)."""

    op: str
    parts: list[Expr]


@dataclass(slots=True)
class Not(Expr):
    part: Expr


@dataclass(slots=True)
class Cond(Expr):
    test: Expr
    yes: Expr
    no: Expr


@dataclass(slots=True)
class Seq(Expr):
    items: list[Expr]


@dataclass(slots=True)
class DictOf(Expr):
    """A dictionary or object; a None key spreads its value."""

    keys: list[Expr | None]
    values: list[Expr]


@dataclass(slots=True)
class Param:
    target: Expr
    name: str
    default: Expr | None = None


@dataclass(slots=True)
class Func(Expr):
    """A function, a method or a lambda."""

    name: str
    params: list[Param]
    body: list[Stmt]
    marks: list[Expr] = field(default_factory=list)
    doc: str = ""
    doc_line: int = 0
    owner: str = ""
    globals: frozenset[str] = frozenset()


@dataclass(slots=True)
class Comp(Expr):
    """A comprehension: `clauses` are (target, iterable, conditions)."""

    value: Expr
    key: Expr | None
    clauses: list[tuple[Expr, Expr, list[Expr]]]


@dataclass(slots=True)
class Stmt:
    line: int
    end: int


@dataclass(slots=True)
class Assign(Stmt):
    targets: list[Expr]
    value: Expr


@dataclass(slots=True)
class Do(Stmt):
    value: Expr


@dataclass(slots=True)
class If(Stmt):
    test: Expr
    yes: list[Stmt]
    no: list[Stmt]


@dataclass(slots=True)
class Loop(Stmt):
    """`for` (target and iterable) or `while` (test)."""

    target: Expr | None
    iterable: Expr | None
    test: Expr | None
    body: list[Stmt]


@dataclass(slots=True)
class Try(Stmt):
    body: list[Stmt]
    handlers: list[tuple[str, list[Stmt]]]
    final: list[Stmt]


@dataclass(slots=True)
class Return(Stmt):
    value: Expr | None


@dataclass(slots=True)
class Jump(Stmt):
    """`raise`, `break` or `continue`; `value` is what is raised."""

    kind: str
    value: Expr | None = None


@dataclass(slots=True)
class Import(Stmt):
    """Bindings of local names to dotted names."""

    names: list[tuple[str, str]]


@dataclass(slots=True)
class ClassDef(Stmt):
    name: str
    bases: list[Expr]
    body: list[Stmt]
    doc: str = ""


@dataclass(slots=True)
class Comment:
    line: int
    text: str


@dataclass(slots=True)
class Module:
    language: str
    body: list[Stmt]
    comments: list[Comment]
    doc: str = ""
    problems: list[tuple[int, str]] = field(default_factory=list)


def dump(node: object, depth: int = 6) -> str:
    """The normalised form of an expression: names of variables and positions are left out, so that it survives renaming and moving."""
    if depth == 0:
        return "…"
    match node:
        case Const(value=value):
            return f"k{type(value).__name__}:{str(value)[:40]}"
        case Name():
            return "n"
        case Attr(obj=obj, name=name):
            return f"{dump(obj, depth - 1)}.{name}"
        case Index(obj=obj, key=key):
            return f"{dump(obj, depth - 1)}[{dump(key, depth - 1)}]"
        case Call(fn=fn, args=args, named=named):
            inner = [dump(arg, depth - 1) for arg in args] + [
                f"{key}={dump(named[key], depth - 1)}" for key in sorted(named)
            ]
            head = "f" if isinstance(fn, Name) else dump(fn, depth - 1)
            return f"{head}({','.join(inner)})"
        case Join(parts=parts) | Test(parts=parts):
            return f"{type(node).__name__}({','.join(dump(part, depth - 1) for part in parts)})"
        case Bin(op=op, left=left, right=right):
            return f"({dump(left, depth - 1)}{op}{dump(right, depth - 1)})"
        case Seq(items=items):
            return f"[{','.join(dump(item, depth - 1) for item in items)}]"
        case None:
            return "-"
        case _:
            return type(node).__name__
