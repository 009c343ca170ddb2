"""The machine that walks a module: statements, scopes, branches. It reads code as data and runs none of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from symbi_static.flow import guards
from symbi_static.flow.values import UNKNOWN, ClassObj, Closure, Instance, Scope, Val, element_of, merge, step
from symbi_static.ir.nodes import (
    Assign,
    Attr,
    Call,
    ClassDef,
    DictOf,
    Do,
    Expr,
    Func,
    If,
    Import,
    Index,
    Jump,
    Loop,
    Module,
    Name,
    Return,
    Seq,
    Stmt,
    Try,
)

__all__ = ["BudgetSpent", "Frame", "Machine", "Site"]

_BUDGET = 200_000
_DEPTH = 16


class BudgetSpent(Exception):
    """The bounded walk came to its end before the code did."""


@dataclass(slots=True)
class Frame:
    """One activation of a function: what it returned and what its guards proved of its parameters."""

    func: Func | None
    params: tuple[str, ...] = ()
    entry: bool = False
    returns: list[tuple[Val, frozenset[tuple[str, str]]]] = field(default_factory=list)
    exits: list[list[dict[str, Val]]] = field(default_factory=list)


@dataclass(slots=True)
class Site:
    """A call as the rules see it."""

    machine: Machine
    call: Call
    ref: str
    base: Val | None
    args: list[Val]
    named: dict[str, Val]
    scope: Scope
    frame: Frame

    @property
    def name(self) -> str:
        return self.ref.rsplit(".", 1)[-1]

    def arg(self, position: int, *names: str) -> Val | None:
        """An argument by position or by one of its names."""
        for name in names:
            if name in self.named:
                return self.named[name]
        return self.args[position] if 0 <= position < len(self.args) else None

    def everything(self) -> list[Val]:
        """All arguments with the parts of their parts, two levels deep."""
        found = [*self.args, *self.named.values()]
        for value in list(found):
            for part in value.all_parts():
                found.append(part)
                found.extend(part.all_parts())
        return found


class Machine:
    """Walks one module; `on_call`, `on_return`, `on_store` are the rules' ears."""

    def __init__(self, module: Module, *, budget: int = _BUDGET) -> None:
        self.module = module
        self.budget = budget
        self.python = module.language == "python"
        self.globals = Scope({})
        self.frames: list[Frame] = [Frame(None)]
        self.closures: list[Closure] = []
        self.classes: list[ClassObj] = []
        self.instances: dict[int, Instance] = {}
        self.called: set[int] = set()
        self.active: list[int] = []
        self.declared: tuple[str, ...] = ()
        self.fetched: dict[str, int] = {}
        self.deferred: list[Callable[[], object]] = []
        self.known: dict[tuple[object, ...], Frame] = {}
        self.entries: list[tuple[Closure, str]] = []
        self.on_call: Callable[[Site], None] = lambda site: None
        self.on_return: Callable[[Frame, Val, int], None] = lambda frame, value, line: None
        self.on_store: Callable[[Expr, Val, int, Scope], None] = lambda target, value, line, scope: None
        self.on_attr: Callable[[Expr, Val, Scope], None] = lambda node, value, scope: None
        self.on_import: Callable[[Import], None] = lambda node: None
        self.on_branch: Callable[[If, Val], None] = lambda node, value: None

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def spend(self, amount: int = 1) -> None:
        self.budget -= amount
        if self.budget < 0:
            raise BudgetSpent

    def value(self, node: Expr, scope: Scope) -> Val:
        from symbi_static.flow.expressions import evaluate  # the two halves of the walk need each other

        self.spend()
        return evaluate(self, node, scope)

    def block(self, body: list[Stmt], scope: Scope) -> bool:
        """Walk statements; True when control never comes out at the end."""
        return any(self.statement(statement, scope) for statement in body)

    def statement(self, node: Stmt, scope: Scope) -> bool:
        self.spend()
        match node:
            case Assign(targets=targets, value=value):
                self._assign(targets, value, scope, node.line)
            case Do(value=value):
                self.value(value, scope)
            case If():
                return self._branch(node, scope)
            case Loop():
                self._loop(node, scope)
            case Try():
                return self._attempt(node, scope)
            case Return(value=value):
                self._leave(self.value(value, scope) if value is not None else Val(const=None), scope, node.line)
                return True
            case Jump(kind=kind, value=value):
                if value is not None:
                    self.value(value, scope)
                if kind != "raise" and self.frame.exits:
                    self.frame.exits[-1].append(dict(scope.vars))
                return True
            case Import(names=names):
                self.on_import(node)
                for local, dotted in names:
                    scope.vars[local] = Val(ref=dotted)
            case ClassDef():
                self._define_class(node, scope)
        return False

    def _leave(self, value: Val, scope: Scope, line: int) -> None:
        frame = self.frame
        gained = frozenset(
            (name, kind) for name in frame.params if (var := scope.vars.get(name)) is not None for kind in var.safe
        )
        frame.returns.append((value, gained))
        self.on_return(frame, value, line)

    def _assign(self, targets: list[Expr], node: Expr, scope: Scope, line: int) -> None:
        value = self.value(node, scope)
        for target in targets:
            self.store(target, value, scope, line)

    def store(self, target: Expr, value: Val, scope: Scope, line: int) -> None:
        """Bind a value to a variable, a field, an element or a pattern."""
        match target:
            case Name(id=name):
                value = step(value, line, f"kept in `{name}`")
                home = scope
                if name in scope.shared:
                    home = scope.root() if self.python else scope
                    value = merge([value, home.vars[name]]) if name in home.vars else value
                elif not self.python and name not in scope.vars:
                    home = self._home(name, scope)
                home.vars[name] = value
                for key in [key for key in scope.vars if key.startswith(f"{name}.")]:
                    del scope.vars[key]
            case Attr(obj=obj, name=name):
                self.on_store(target, value, line, scope)
                self._store_field(obj, name, value, scope, line)
            case Index(obj=obj, key=key):
                self.on_store(target, value, line, scope)
                self._store_element(obj, key, value, scope, line)
            case Seq(items=items):
                for position, item in enumerate(items):
                    known = value.items is not None and position < len(value.items) and len(value.items) == len(items)
                    self.store(item, value.items[position] if known and value.items else element_of(value), scope, line)
            case DictOf(keys=keys, values=values):
                from symbi_static.flow.expressions import attribute

                for own, item in zip(keys, values, strict=True):
                    part = attribute(self, value, str(getattr(own, "value", "")), line) if own is not None else value
                    self.store(item, part, scope, line)

    def _home(self, name: str, scope: Scope) -> Scope:
        home: Scope | None = scope
        while home is not None:
            if name in home.vars:
                return home
            home = home.parent
        return scope

    def _store_field(self, obj: Expr, name: str, value: Val, scope: Scope, line: int) -> None:
        base = self.value(obj, scope)
        value = step(value, line, f"kept in field `{name}`")
        for owner in base.objs:
            if isinstance(owner, Instance):
                old = owner.fields.get(name)
                owner.fields[name] = value if old is None else merge([value, old])
        key = guards.key_of(obj)
        if key is not None:
            scope.vars[f"{key}.{name}"] = value
            if not any(isinstance(owner, Instance) for owner in base.objs) and isinstance(obj, Name):
                fields = {**(base.fields or {}), name: value}
                self._home(obj.id, scope).vars[obj.id] = replace(base, fields=fields)

    def _store_element(self, obj: Expr, key: Expr | None, value: Val, scope: Scope, line: int) -> None:
        base = self.value(obj, scope)
        at = self.value(key, scope) if key is not None else Val()
        if isinstance(at.const, str) and base.ref not in ("os.environ", "process.env"):
            base = replace(base, fields={**(base.fields or {}), at.const: value}, const=UNKNOWN)
        else:
            base = replace(self.absorb(base, [value]), ref=base.ref)
        self.rebind(obj, base, scope, line)

    def rebind(self, node: Expr, value: Val, scope: Scope, line: int) -> None:
        """Write back a container that a call or an assignment has changed."""
        match node:
            case Name(id=name):
                self._home(name, scope).vars[name] = value
            case Attr(obj=obj, name=name):
                base = self.value(obj, scope)
                for owner in base.objs:
                    if isinstance(owner, Instance):
                        owner.fields[name] = merge([value, owner.fields[name]]) if name in owner.fields else value

    def absorb(self, base: Val, values: list[Val]) -> Val:
        """A container after values went into it."""
        if base.ref in ("os.environ", "process.env"):
            return base
        items = (*base.items, *values) if base.items is not None else None
        joined = merge([Val(taint=base.taint, safe=base.safe), *(Val(taint=v.taint, safe=v.safe) for v in values)])
        objs = tuple(obj for value in [base, *values] for obj in value.objs)[:8]
        return replace(
            base,
            taint=joined.taint,
            safe=joined.safe,
            items=items[:64] if items else items,
            const=UNKNOWN,
            shape=None,
            objs=objs,
        )

    def _branch(self, node: If, scope: Scope) -> bool:
        test = self.value(node.test, scope)
        self.on_branch(node, test)
        before = dict(scope.vars)
        guards.narrow(scope, test.facts)
        yes = self.block(node.yes, scope)
        after_yes = dict(scope.vars)
        scope.vars.clear()
        scope.vars.update(before)
        guards.narrow(scope, test.neg)
        no = self.block(node.no, scope)
        if yes and no:
            return True
        if no:
            scope.vars.clear()
            scope.vars.update(after_yes)
        elif not yes:
            self._mix(scope, [after_yes, dict(scope.vars)])
        return False

    def _mix(self, scope: Scope, options: list[dict[str, Val]]) -> None:
        names = {name for option in options for name in option}
        mixed = {name: merge([option[name] for option in options if name in option]) for name in sorted(names)}
        scope.vars.clear()
        scope.vars.update(mixed)

    def _loop(self, node: Loop, scope: Scope) -> None:
        before = dict(scope.vars)
        self.frame.exits.append([])
        ended = [before]
        for _ in range(2):
            if node.iterable is not None and node.target is not None:
                self.store(
                    node.target,
                    step(element_of(self.value(node.iterable, scope)), node.line, "one element of it"),
                    scope,
                    node.line,
                )
            if node.test is not None:
                guards.narrow(scope, self.value(node.test, scope).facts)
            if not self.block(node.body, scope):
                ended.append(dict(scope.vars))
            self._mix(scope, [*ended, *self.frame.exits[-1]])
        self.frame.exits.pop()

    def _attempt(self, node: Try, scope: Scope) -> bool:
        before = dict(scope.vars)
        done = self.block(node.body, scope)
        after = dict(scope.vars)
        ended = [] if done else [after]
        for name, body in node.handlers:
            self._mix(scope, [before, after])
            if name:
                scope.vars[name] = Val(ref="exception")
            if not self.block(body, scope):
                ended.append(dict(scope.vars))
        if ended:
            self._mix(scope, ended)
        final = self.block(node.final, scope)
        return final or not ended

    def _define_class(self, node: ClassDef, scope: Scope) -> None:
        inner = Scope({}, scope)
        cls = ClassObj(node, scope)
        for base in node.bases:
            value = self.value(base, scope)
            cls.bases.extend(obj for obj in value.objs if isinstance(obj, ClassObj))
            cls.base_refs.append(value.ref)
        self.block(node.body, inner)
        cls.attrs = inner.vars
        self.classes.append(cls)
        for member in cls.attrs.values():
            for obj in member.objs:
                if isinstance(obj, Closure) and obj.scope is inner:
                    obj.scope = scope
        scope.vars[node.name] = Val(objs=(cls,), ref=f"local.{node.name}")

    def deep(self) -> bool:
        """Whether calls are nested as deep as the walk follows."""
        return len(self.frames) > _DEPTH
