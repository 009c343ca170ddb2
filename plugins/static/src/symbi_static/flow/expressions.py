"""Values of expressions: names, attributes, joins, conditions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from symbi_static.flow import guards
from symbi_static.flow.environment import any_variable, env_value
from symbi_static.flow.fold import fold_binary, join_text
from symbi_static.flow.values import (
    CLEAN,
    HOLE,
    UNKNOWN,
    ClassObj,
    Closure,
    Instance,
    Scope,
    Val,
    constant,
    element_of,
    join_safe,
    join_taint,
    merge,
    shape_of,
    tainted,
)
from symbi_static.ir.nodes import (
    Attr,
    Bin,
    Call,
    Comp,
    Cond,
    Const,
    DictOf,
    Expr,
    Func,
    Index,
    Join,
    Name,
    Not,
    Seq,
    Test,
)

if TYPE_CHECKING:
    from symbi_static.flow.machine import Machine

__all__ = ["attribute", "evaluate", "full_ref"]

_REQUEST = re.compile(
    r"^(?:flask\.|quart\.|bottle\.)?request\.(?:args|form|json|values|data|files|cookies|headers|query|body|params|get_json|GET|POST|view_args)$"
)
_ENV_REFS = ("os.environ", "process.env", "os.environb", "Deno.env", "import.meta.env")
_ALIASES = {
    "builtins.": "",
    "globalThis.": "",
    "window.": "",
    "global.": "",
    "self.fetch": "fetch",
    "__builtins__.": "",
    "node:": "",
}


def full_ref(ref: str) -> str:
    """One name for one thing, however it was reached."""
    for prefix, instead in _ALIASES.items():
        if ref.startswith(prefix):
            return instead + ref[len(prefix) :]
    return ref


def evaluate(machine: Machine, node: Expr, scope: Scope) -> Val:
    """The abstract value of an expression."""
    match node:
        case Const(value=value):
            return constant(value)
        case Name(id=name):
            return _name(machine, name, scope, node)
        case Attr(obj=obj, name=name):
            key = guards.key_of(node)
            kept = scope.vars.get(key) if key else None
            if kept is not None:
                return kept
            value = attribute(machine, machine.value(obj, scope), name, node.line)
            machine.on_attr(node, value, scope)
            return value
        case Index():
            return _element(machine, node, scope)
        case Call():
            from symbi_static.flow.calls import call

            return call(machine, node, scope)
        case Join(parts=parts):
            return join_text([machine.value(part, scope) for part in parts])
        case Bin():
            return _binary(machine, node, scope)
        case Test() | Not():
            return _condition(machine, node, scope)
        case Cond(test=test, yes=yes, no=no):
            return _choice(machine, test, yes, no, scope)
        case Seq(items=items):
            values = tuple(machine.value(item, scope) for item in items)
            return _sequence(values)
        case DictOf(keys=keys, values=values):
            return _mapping(machine, keys, values, scope)
        case Func():
            closure = Closure(node, scope)
            machine.closures.append(closure)
            value = Val(objs=(closure,), ref=f"local.{node.name}" if node.name != "<lambda>" else "")
            for mark in node.marks:
                _decorate(machine, mark, closure, scope)
            return value
        case Comp():
            return _comprehension(machine, node, scope)
        case _:
            return Val()


def _name(machine: Machine, name: str, scope: Scope, node: Expr) -> Val:
    found = scope.find(name)
    if found is not None:
        return found
    value = Val(ref=full_ref(name))
    machine.on_attr(node, value, scope)
    return value


def _decorate(machine: Machine, mark: Expr, closure: Closure, scope: Scope) -> None:
    from symbi_static.flow.entries import register_mark

    machine.value(mark, scope)
    register_mark(machine, mark, closure)


def attribute(machine: Machine, base: Val, name: str, line: int) -> Val:
    """`base.name`."""
    if base.ref in _ENV_REFS and name not in (
        "get",
        "items",
        "copy",
        "keys",
        "values",
        "pop",
        "setdefault",
        "update",
        "toObject",
    ):
        return env_value(name, line)
    for owner in base.objs:
        if isinstance(owner, Instance):
            value = owner.fields.get(name)
            if value is not None:
                return value
            method = owner.cls.lookup(name)
            if method is not None:
                return replace(method, objs=tuple(_bind(obj, owner) for obj in method.objs))
        if isinstance(owner, ClassObj):
            member = owner.lookup(name)
            if member is not None:
                return member
    return _library_attribute(base, name, line)


def _library_attribute(base: Val, name: str, line: int) -> Val:
    if base.fields is not None and name in base.fields:
        return base.fields[name]
    ref = full_ref(f"{base.ref}.{name}") if base.ref else f"?.{name}"
    if ref in _ENV_REFS:
        return Val(taint={"environ": ((line, "the whole environment"),)}, ref=ref)
    if ref in ("sys.argv", "process.argv", "Deno.args"):
        return tainted("argv", line, "command line", ref=ref)
    if ref == "sys.stdin" or ref == "process.stdin":
        return tainted("input", line, "standard input", ref=ref)
    if _REQUEST.match(ref):
        return tainted("input", line, f"`{ref}` of a request", ref=ref)
    if ref in (
        "flask.request",
        "request.args",
        "request.json",
        "request.form",
        "request.query",
        "request.body",
        "req.body",
        "req.query",
        "req.params",
    ):
        return tainted("input", line, f"`{ref}` of a request", ref=ref)
    if name in ("name", "stem") and base.ref.endswith("pathlib.Path()"):
        return Val(taint=base.taint, shape=base.shape, safe=base.safe | {"path"}, about=base.about)
    if name == "parent" and base.ref.endswith("pathlib.Path()"):
        return replace(base, const=UNKNOWN, tags=base.tags - {"own-source"})
    derived = base.shape if name in ("text", "value") else None
    return Val(
        taint=base.taint,
        ref=ref,
        safe=base.safe,
        about=base.about,
        tags=base.tags - {"pattern"},
        shape=derived or (HOLE if base.taint else None),
    )


def _bind(obj: object, owner: Instance) -> object:
    return Closure(obj.func, obj.scope, owner) if isinstance(obj, Closure) else obj


def _element(machine: Machine, node: Index, scope: Scope) -> Val:
    key_name = guards.key_of(node.obj)
    base = machine.value(node.obj, scope)
    at = machine.value(node.key, scope) if node.key is not None else Val()
    name = at.text()
    if base.ref in _ENV_REFS:
        if name is not None:
            return env_value(name, node.line)
        return any_variable(at, node.line)
    if (
        base.ref
        in (
            "globals()",
            "locals()",
            "vars()",
            "__builtins__",
            "__builtins__.__dict__",
            "builtins.__dict__",
            "globalThis",
            "window",
            "global",
            "sys.modules",
        )
        and name
    ):
        return Val(ref=full_ref(name), tags=frozenset({"built"}), objs=(scope.find(name) or Val()).objs)
    if name is not None and base.fields is not None and name in base.fields:
        return base.fields[name]
    if isinstance(at.const, int) and base.items is not None and -len(base.items) <= at.const < len(base.items):
        return base.items[at.const]
    if name is not None and base.ref and not machine.python:
        return replace(attribute(machine, base, name, node.line), tags=frozenset({"built"}))
    if base.const is not UNKNOWN and at.const is not UNKNOWN:
        try:
            return constant(base.const[at.const])
        except (TypeError, LookupError):
            return Val()
    value = element_of(base)
    if key_name is not None and not value.about:
        value = replace(value, about=base.about)
    if at.has("input", "net") and base.ref and not base.taint and base.fields is None and base.items is None:
        return replace(value, tags=value.tags | {"chosen"}, about=at.about)
    return value


def _binary(machine: Machine, node: Bin, scope: Scope) -> Val:
    left, right = machine.value(node.left, scope), machine.value(node.right, scope)
    folded = fold_binary(node.op, left.const, right.const)
    if folded is not UNKNOWN:
        tags = left.tags | right.tags | ({"decoded"} if node.op == "^" else set())
        return replace(constant(folded), tags=frozenset(tags))
    if node.op == "/" and (_is_path(left) or _is_path(right)):
        joined = join_text([replace(left, ref=""), constant("/"), right])
        return replace(joined, ref="pathlib.Path()", tags=(left.tags | right.tags) - {"resolved", "own-source"})
    if node.op == "+" and (left.items is not None or right.items is not None):
        items = (
            (*(left.items or ()), *(right.items or ())) if left.items is not None and right.items is not None else None
        )
        return Val(
            taint=join_taint([left, right]),
            items=items,
            safe=join_safe([left, right]),
            objs=(*left.objs, *right.objs)[:8],
        )
    if node.op == "+":
        return join_text([left, right])
    if node.op == "%" and (left.shape is not None or isinstance(left.const, str)):
        return _percent(left, right)
    if node.op == "^":
        return Val(taint=join_taint([left, right]), safe=join_safe([left, right]), tags=frozenset({"decoded"}))
    if node.op in ("-", "/", "//", "?", "|", "*"):
        numeric = node.op in ("-", "//")
        return Val(
            taint={} if numeric and not (left.has("secret") or right.has("secret")) else join_taint([left, right]),
            safe=join_safe([left, right]),
        )
    return Val(taint=join_taint([left, right]), safe=join_safe([left, right]))


def _is_path(value: Val) -> bool:
    return value.ref == "pathlib.Path()"


def _percent(left: Val, right: Val) -> Val:
    import re

    holes = list(right.items) if right.items is not None else list((right.fields or {}).values()) or [right]
    pieces = re.split(r"(%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[sdrifxeg])", shape_of(left))
    parts: list[Val] = []
    for piece in pieces:
        if not piece.startswith("%") or len(piece) < 2:
            parts.append(constant(piece.replace("%%", "%")))
            continue
        value = holes.pop(0) if len(holes) > 1 else (holes[0] if holes else Val())
        parts.append(Val(shape=CLEAN) if piece[-1] in "difxeg" else value)
    return join_text([*parts, Val(taint=left.taint, shape="", safe=left.safe)])


def _condition(machine: Machine, node: Test | Not, scope: Scope) -> Val:
    if isinstance(node, Not):
        inner = machine.value(node.part, scope)
        return Val(facts=inner.neg, neg=inner.facts, taint={}, ref=inner.ref)
    if node.op in ("and", "or"):
        values = []
        saved = dict(scope.vars)
        for part in node.parts:
            value = machine.value(part, scope)
            values.append(value)
            guards.narrow(scope, value.facts if node.op == "and" else value.neg)
        scope.vars.clear()
        scope.vars.update(saved)
        every = frozenset().union(*(value.facts if node.op == "and" else value.neg for value in values))
        shared = frozenset.intersection(*(value.neg if node.op == "and" else value.facts for value in values))
        merged = replace(merge(values), facts=frozenset(), neg=frozenset())
        return (
            replace(merged, facts=every, neg=shared) if node.op == "and" else replace(merged, facts=shared, neg=every)
        )
    values = [machine.value(part, scope) for part in node.parts]
    facts, neg = guards.compare_facts(node.op, node.parts, values)
    return Val(facts=facts, neg=neg, ref=f"compare:{values[0].ref}", tags=values[0].tags | values[1].tags)


def _choice(machine: Machine, test: Expr, yes: Expr, no: Expr, scope: Scope) -> Val:
    condition = machine.value(test, scope)
    saved = dict(scope.vars)
    guards.narrow(scope, condition.facts)
    first = machine.value(yes, scope)
    scope.vars.clear()
    scope.vars.update(saved)
    guards.narrow(scope, condition.neg)
    second = machine.value(no, scope)
    scope.vars.clear()
    scope.vars.update(saved)
    return merge([first, second])


def _sequence(values: tuple[Val, ...]) -> Val:
    consts = [value.const for value in values]
    folded = (
        tuple(consts) if values and all(isinstance(const, str | int | float | bytes) for const in consts) else UNKNOWN
    )
    objs = tuple(obj for value in values for obj in value.objs)[:8]
    return Val(taint=join_taint(values), const=folded, items=values[:256], safe=join_safe(values), objs=objs)


def _mapping(machine: Machine, keys: list[Expr | None], values: list[Expr], scope: Scope) -> Val:
    fields: dict[str, Val] = {}
    taints: list[Val] = []
    for key, node in zip(keys, values, strict=True):
        value = machine.value(node, scope)
        taints.append(value)
        at = machine.value(key, scope) if key is not None else None
        if at is not None:
            taints.append(Val(taint=at.taint, safe=at.safe))
            name = at.text()
            fields[name if name is not None else f"#{len(fields)}"] = value
        elif value.fields is not None:
            fields.update(value.fields)
    ref = "env-copy" if any(v.ref in _ENV_REFS for v in taints) else ""
    return Val(taint=join_taint(taints), fields=fields, safe=join_safe(taints), ref=ref)


def _comprehension(machine: Machine, node: Comp, scope: Scope) -> Val:
    inner = Scope(dict(scope.vars), scope.parent, scope.shared, scope.owner)
    for target, iterable, tests in node.clauses:
        machine.store(target, element_of(machine.value(iterable, inner)), inner, node.line)
        for test in tests:
            guards.narrow(inner, machine.value(test, inner).facts)
    value = machine.value(node.value, inner)
    key = machine.value(node.key, inner) if node.key is not None else Val()
    return Val(
        taint=join_taint([value, key]),
        items=(value,),
        safe=join_safe([value]),
        objs=value.objs,
        tags=value.tags & {"decoded", "chars"},
    )
