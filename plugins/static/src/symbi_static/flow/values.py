"""Abstract values: what is known of a value without running anything.

A value carries the labels of where its data may come from (`taint`), a folded constant, the outline of a string (`shape`), the dotted name of
what it is (`ref`), functions and objects it may be (`objs`), its parts, and the kinds of sink it is safe for (`safe`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symbi_static.ir.nodes import ClassDef, Func

__all__ = [
    "CLEAN",
    "HOLE",
    "KINDS",
    "UNKNOWN",
    "ClassObj",
    "Closure",
    "Instance",
    "Scope",
    "Step",
    "Trace",
    "Val",
    "constant",
    "element_of",
    "merge",
    "shape_of",
    "step",
    "tainted",
]

HOLE = "\x00"  # a part of a string that the labels reach
CLEAN = "\x01"  # an unknown part of a string that no label reaches
KINDS = frozenset({"shell", "code", "sql", "path", "url", "html", "template"})
_MOST_SHAPE = 2000
_MOST_OBJS = 8
_MOST_STEPS = 10


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()
Step = tuple[int, str]
Trace = tuple[Step, ...]


@dataclass(slots=True)
class Scope:
    """Variables of one function or of the module."""

    vars: dict[str, Val]
    parent: Scope | None = None
    shared: frozenset[str] = frozenset()
    owner: Instance | None = None

    def find(self, name: str) -> Val | None:
        scope: Scope | None = self
        while scope is not None:
            value = scope.vars.get(name)
            if value is not None:
                return value
            scope = scope.parent
        return None

    def root(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


@dataclass(slots=True)
class Closure:
    """A function together with the scope it was made in."""

    func: Func
    scope: Scope
    bound: Instance | None = None


@dataclass(slots=True)
class ClassObj:
    """A class of the file; `methods` holds functions and other class attributes."""

    node: ClassDef
    scope: Scope
    attrs: dict[str, Val] = field(default_factory=dict)
    bases: list[ClassObj] = field(default_factory=list)
    base_refs: list[str] = field(default_factory=list)

    def lookup(self, name: str) -> Val | None:
        found = self.attrs.get(name)
        if found is not None:
            return found
        return next((value for base in self.bases if (value := base.lookup(name)) is not None), None)


@dataclass(slots=True)
class Instance:
    """An object of a class of the file; one per class, so that what one method stores another finds."""

    cls: ClassObj
    fields: dict[str, Val] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Val:
    taint: Mapping[str, Trace] = field(default_factory=dict)
    const: Any = UNKNOWN
    shape: str | None = None
    ref: str = ""
    objs: tuple[Any, ...] = ()
    items: tuple[Val, ...] | None = None
    fields: Mapping[str, Val] | None = None
    safe: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    facts: frozenset[tuple[str, str]] = frozenset()
    neg: frozenset[tuple[str, str]] = frozenset()
    tags: frozenset[str] = frozenset()

    def has(self, *labels: str) -> bool:
        """Whether data under one of the labels reaches this value; `env` matches every `env:NAME`."""
        return any(label in self.taint or any(own.split(":")[0] == label for own in self.taint) for label in labels)

    def unsafe(self, kind: str, *labels: str) -> bool:
        """Whether one of the labels reaches this value and nothing made it safe for `kind`."""
        return kind not in self.safe and self.has(*labels)

    def trace(self, *labels: str) -> Trace:
        for label in labels:
            for own in sorted(self.taint):
                if own == label or own.split(":")[0] == label:
                    return self.taint[own]
        return ()

    def text(self) -> str | None:
        """The constant text, if it is one."""
        if isinstance(self.const, str):
            return self.const
        return self.const.decode("utf-8", "replace") if isinstance(self.const, bytes) else None

    def all_parts(self) -> list[Val]:
        return list(self.items or ()) + list((self.fields or {}).values())


def constant(value: Any) -> Val:
    """A known constant."""
    shape = value if isinstance(value, str) else value.decode("latin-1") if isinstance(value, bytes) else None
    return Val(const=value, shape=shape[:_MOST_SHAPE] if shape is not None else None)


def tainted(label: str, line: int, text: str, **more: Any) -> Val:
    """A value that comes from a source."""
    return Val(taint={label: ((line, text),)}, shape=HOLE, **more)


def shape_of(value: Val) -> str:
    """The outline of a value as a part of a string."""
    if value.shape is not None:
        return value.shape
    if value.const is not UNKNOWN and isinstance(value.const, int | float | bool):
        return str(value.const)
    return HOLE if value.taint else CLEAN


def step(value: Val, line: int, text: str) -> Val:
    """The same value with one more step on each of its traces."""
    if not value.taint:
        return value
    longer = {}
    for label, trace in value.taint.items():
        known = trace and trace[-1][0] == line
        longer[label] = trace if known or len(trace) >= _MOST_STEPS else (*trace, (line, text))
    return replace(value, taint=longer)


def join_taint(values: Iterable[Val]) -> dict[str, Trace]:
    taint: dict[str, Trace] = {}
    for value in values:
        for label, trace in value.taint.items():
            old = taint.get(label)
            if old is None or (len(trace), trace) < (len(old), old):
                taint[label] = trace
    return taint


def join_safe(values: Iterable[Val]) -> frozenset[str]:
    reached = [value.safe for value in values if value.taint]
    return frozenset.intersection(*reached) if reached else frozenset()


def merge(values: list[Val]) -> Val:
    """What is known when it may be any of the values."""
    if len(values) == 1:
        return values[0]
    if not values:
        return Val()
    first = values[0]
    if all(value is first for value in values):
        return first
    objs: list[Any] = []
    for value in values:
        objs.extend(obj for obj in value.objs if not any(obj is old for old in objs))
    same = all(type(v.const) is type(first.const) and v.const == first.const for v in values)
    shapes = {shape_of(v) for v in values}
    taint = join_taint(values)
    shape = first.shape if same else shapes.pop() if len(shapes) == 1 else _worst_shape(values)
    refs = [value.ref for value in values if value.ref]
    fields = _merge_fields(values)
    items = first.items if all(value.items == first.items for value in values) else _longest([v.items for v in values])
    about = frozenset().union(*(v.about for v in values))
    tags = frozenset().union(*(v.tags for v in values))
    return Val(
        taint=taint,
        const=first.const if same else UNKNOWN,
        shape=shape,
        ref=refs[0] if refs else "",
        objs=tuple(objs[:_MOST_OBJS]),
        items=items,
        fields=fields,
        safe=join_safe(values),
        about=about,
        facts=frozenset.intersection(*(v.facts for v in values)),
        tags=tags,
    )


def _longest(options: list[tuple[Val, ...] | None]) -> tuple[Val, ...] | None:
    known = [items for items in options if items is not None]
    return max(known, key=len) if known else None


def _worst_shape(values: list[Val]) -> str | None:
    """Of several outlines keep one that a label reaches, so that no alternative hides the bad one."""
    reached = [shape_of(value) for value in values if value.taint and not value.safe]
    if reached:
        return min(reached, key=lambda text: text.find(HOLE) if HOLE in text else len(text))
    known = [value.shape for value in values if value.shape]
    return known[0] if known else None


def _merge_fields(values: list[Val]) -> Mapping[str, Val] | None:
    known = [value.fields for value in values if value.fields is not None]
    if not known:
        return None
    if all(fields is known[0] for fields in known):
        return known[0]
    names = {name for fields in known for name in fields}
    if len(names) > 64:
        return None
    return {name: merge([fields[name] for fields in known if name in fields]) for name in sorted(names)}


def element_of(value: Val) -> Val:
    """Any one element of a container; of a container of constants it carries no label."""
    parts = value.all_parts()
    if parts:
        merged = merge(parts)
        if value.taint and not any(part.taint for part in parts):
            return replace(merged, taint=dict(value.taint), shape=HOLE, const=UNKNOWN)
        return merged
    if isinstance(value.const, tuple | list | str):
        return Val(shape=CLEAN)
    ref = f"{value.ref}[]" if value.ref else ""
    return Val(
        taint=value.taint,
        shape=HOLE if value.taint else None,
        ref=ref,
        safe=value.safe,
        about=value.about,
        tags=value.tags,
    )
