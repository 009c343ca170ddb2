"""Calls: into functions of the file they are followed, into libraries they are modelled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from symbi_static.flow import guards
from symbi_static.flow.expressions import full_ref
from symbi_static.flow.models import model
from symbi_static.flow.values import (
    ClassObj,
    Closure,
    Instance,
    Scope,
    Val,
    element_of,
    join_safe,
    join_taint,
    merge,
    step,
    tainted,
)
from symbi_static.ir.nodes import Attr, Call, Expr, Func, Name

if TYPE_CHECKING:
    from symbi_static.flow.machine import Machine, Site

__all__ = ["Partial", "call", "enter", "instance_of"]

_MUTATORS = frozenset(
    {
        "append",
        "add",
        "update",
        "extend",
        "insert",
        "setdefault",
        "push",
        "unshift",
        "put",
        "appendleft",
        "set",
        "writelines",
        "put_nowait",
    }
)
_RUNS_ITS_ARGUMENT = frozenset({"map", "submit", "run_in_executor", "to_thread", "apply", "apply_async", "starmap", "imap", "call_soon", "create_task", "then", "catch", "forEach", "filter", "reduce", "flatMap", "on", "once", "setTimeout", "setInterval", "Thread", "Timer", "Process", "some", "every", "find", "replace", "all", "register", "sub", "nextTick", "setImmediate", "addEventListener", "finally", "run", "run_sync", "from_thread", "partial"})  # fmt: skip  # noqa: E501  # one list, one place


@dataclass(slots=True)
class Partial:
    """A function with some of its arguments given."""

    function: Val
    args: list[Val]
    named: dict[str, Val]


def call(machine: Machine, node: Call, scope: Scope) -> Val:
    """The value of a call; rules hear of it first."""
    from symbi_static.flow.machine import Site

    if isinstance(node.fn, Name) and node.fn.id.startswith("$"):
        return _special(machine, node, scope)
    base = machine.value(node.fn.obj, scope) if isinstance(node.fn, Attr) else None
    target = machine.value(node.fn, scope)
    args = [machine.value(arg, scope) for arg in node.args]
    named = {name: machine.value(arg, scope) for name, arg in node.named.items()}
    for extra in node.spread:
        value = machine.value(extra, scope)
        if value.items is not None:
            args.extend(value.items)
        elif value.fields is not None:
            named.update({key: part for key, part in value.fields.items() if key not in named})
        elif value.taint or value.objs:
            args.append(element_of(value))
    ref = _ref(target, node, base)
    if base is not None and not ref.startswith("?") and base.ref == "" and isinstance(node.fn, Attr):
        ref = f"?.{node.fn.name}"
    for option in target.objs:
        if isinstance(option, Partial):
            target, args, named = option.function, [*option.args, *args], {**option.named, **named}
            ref = target.ref or ref
            break
    site = Site(machine, node, ref, base, args, named, scope, machine.frame)
    machine.on_call(site)
    _registrations(machine, site)
    result = _follow(machine, site, target)
    if result is None:
        _run_arguments(machine, site)
        result = model(site)
    _mutate(machine, site, node, scope)
    facts, neg = guards.call_facts(node, ref, base, args)
    if facts or neg:
        result = replace(result, facts=result.facts | facts, neg=result.neg | neg)
    return result


def _ref(target: Val, node: Call, base: Val | None) -> str:
    ref = full_ref(target.ref)
    if not ref and isinstance(node.fn, Attr):
        ref = f"{base.ref if base and base.ref else '?'}.{node.fn.name}"
    return ref or "?"


def _special(machine: Machine, node: Call, scope: Scope) -> Val:
    kind = node.fn.id if isinstance(node.fn, Name) else ""
    if kind == "$walrus":
        value = machine.value(node.args[1], scope)
        machine.store(node.args[0], value, scope, node.line)
        return value
    if kind == "$slice":
        value = machine.value(node.args[0], scope)
        bounds = [machine.value(bound, scope).const for bound in node.args[1:]]
        if (
            isinstance(value.const, str | bytes | tuple)
            and all(bound is None or isinstance(bound, int) for bound in bounds)
            and bounds[2:] != [0]
        ):
            from symbi_static.flow.values import constant

            return replace(constant(value.const[slice(*bounds)]), tags=value.tags)
        return replace(value, items=value.items[1:] if value.items and bounds[:1] == [1] else value.items)
    value = machine.value(node.args[0], scope) if node.args else Val(const=None)
    if kind == "$regex":
        return Val(ref="re.compile()", shape=value.text(), tags=frozenset({"pattern"}))
    if kind == "$yield":
        machine.frame.returns.append((value, frozenset()))
        machine.on_return(machine.frame, value, node.line)
        return Val()
    return value


def _registrations(machine: Machine, site: Site) -> None:
    from symbi_static.flow.entries import register_call

    register_call(machine, site)


def _follow(machine: Machine, site: Site, target: Val) -> Val | None:
    results: list[Val] = []
    for option in target.objs:
        if isinstance(option, Closure):
            results.append(enter(machine, option, site.args, site.named, site.call, site.scope))
        elif isinstance(option, ClassObj):
            results.append(_construct(machine, option, site))
        elif isinstance(option, Instance):
            method = option.cls.lookup("__call__")
            for obj in method.objs if method else ():
                if isinstance(obj, Closure):
                    results.append(
                        enter(
                            machine, Closure(obj.func, obj.scope, option), site.args, site.named, site.call, site.scope
                        )
                    )
    return merge(results) if results else None


def instance_of(machine: Machine, cls: ClassObj) -> Instance:
    """The one abstract object of a class."""
    known = machine.instances.get(id(cls.node))
    if known is None:
        known = machine.instances[id(cls.node)] = Instance(cls)
    return known


def _construct(machine: Machine, cls: ClassObj, site: Site) -> Val:
    instance = instance_of(machine, cls)
    init = cls.lookup("__init__") or cls.lookup("constructor")
    for obj in init.objs if init else ():
        if isinstance(obj, Closure):
            enter(machine, Closure(obj.func, obj.scope, instance), site.args, site.named, site.call, site.scope)
    if init is None:
        for name, value in site.named.items():
            instance.fields[name] = value
    return Val(objs=(instance,), ref=f"local.{cls.node.name}()")


def enter(
    machine: Machine,
    closure: Closure,
    args: list[Val],
    named: dict[str, Val],
    node: Expr,
    caller: Scope,
    *,
    entry: bool = False,
) -> Val:
    """Walk the body of a function with these arguments; its result, and what its guards proved, come back to the caller."""
    from symbi_static.flow.machine import Frame

    func = closure.func
    machine.called.add(id(func))
    if machine.deep() or machine.active.count(id(func)) > 1:
        if machine.deep() and machine.active.count(id(func)) <= 1:
            machine.deferred.append(lambda: enter(machine, closure, args, named, node, caller))
        every = [*args, *named.values()]
        return Val(taint=join_taint(every), safe=join_safe(every))
    key = (
        id(func),
        id(closure.scope),
        id(closure.bound),
        entry,
        tuple(map(_sign, args)),
        tuple((name, _sign(named[name])) for name in sorted(named)),
    )
    done = machine.known.get(key)
    if done is not None:
        return _result(machine, done, func, args, node, caller)
    scope = Scope({}, closure.scope, func.globals, closure.bound)
    names = _bind_params(machine, func, scope, closure, args, named, node)
    machine.frames.append(Frame(func, names, entry))
    machine.active.append(id(func))
    try:
        ended = machine.block(func.body, scope)
        frame = machine.frame
        if not ended:
            gained = frozenset(
                (name, kind) for name in names if (var := scope.vars.get(name)) is not None for kind in var.safe
            )
            frame.returns.append((Val(const=None), gained))
    finally:
        machine.active.pop()
        frame = machine.frames.pop()
    machine.known[key] = frame
    return _result(machine, frame, func, args, node, caller)


def _sign(value: Val, depth: int = 2) -> tuple[object, ...]:
    """What makes two arguments the same for the walk: labels, constants, outlines, safety; not the traces."""
    const = (
        value.const
        if isinstance(value.const, str | int | float | bytes | bool | type(None))
        else type(value.const).__name__
    )
    parts: tuple[object, ...] = ()
    if depth:
        items = tuple(_sign(item, depth - 1) for item in (value.items or ())[:16])
        parts = (items, tuple((name, _sign(part, depth - 1)) for name, part in list((value.fields or {}).items())[:16]))
    return (
        tuple(sorted(value.taint)),
        type(const).__name__,
        const,
        value.shape,
        value.ref,
        tuple(map(id, value.objs)),
        value.safe,
        value.tags,
        value.about,
        parts,
    )


def _bind_params(
    machine: Machine, func: Func, scope: Scope, closure: Closure, args: list[Val], named: dict[str, Val], node: Expr
) -> tuple[str, ...]:
    params = list(func.params)
    if params and closure.bound is not None and params[0].name in ("self", "cls"):
        scope.vars[params[0].name] = Val(objs=(closure.bound,), ref=f"local.{closure.bound.cls.node.name}()")
        params = params[1:]
    elif closure.bound is not None:
        scope.vars["this"] = Val(objs=(closure.bound,), ref="this")
    names = []
    left = list(args)
    for param in params:
        if param.name.startswith("**"):
            rest = {key: value for key, value in named.items() if key not in names}
            value = Val(taint=join_taint(rest.values()), fields=rest, safe=join_safe(rest.values()))
        elif param.name.startswith("*"):
            value = Val(taint=join_taint(left), items=tuple(left), safe=join_safe(left))
            left = []
        elif param.name in named:
            value = named[param.name]
        elif left:
            value = left.pop(0)
        else:
            value = machine.value(param.default, scope) if param.default is not None else Val()
        label = param.name.lstrip("*") or "its argument"
        names.append(label)
        machine.store(param.target, step(value, node.line, f"passed to `{func.name}` as `{label}`"), scope, func.line)
    return tuple(names)


def _result(machine: Machine, frame: Any, func: Func, args: list[Val], node: Expr, caller: Scope) -> Val:
    if not frame.returns:
        return Val()
    values = [value for value, _ in frame.returns]
    result = replace(merge(values), facts=frozenset(), neg=frozenset())
    keys = _argument_keys(func, node)
    if keys:
        always = frozenset.intersection(*(gained for _, gained in frame.returns))
        guards.narrow(caller, frozenset((keys[name], kind) for name, kind in always if name in keys))
        true = [value.facts | gained for value, gained in frame.returns if value.const not in (False, None)]
        false = [value.neg | gained for value, gained in frame.returns if value.const is not True]
        facts = frozenset.intersection(*true) if true else frozenset()
        neg = frozenset.intersection(*false) if false else frozenset()
        result = replace(result, facts=_renamed(facts, keys), neg=_renamed(neg, keys))
    return step(result, node.line, f"returned by `{func.name}`") if result.taint else result


def _renamed(facts: frozenset[tuple[str, str]], keys: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((keys[name], kind) for name, kind in facts if name in keys)


def _argument_keys(func: Func, node: Expr) -> dict[str, str]:
    if not isinstance(node, Call):
        return {}
    params = [param.name for param in func.params if param.name not in ("self", "cls")]
    keys = {name: key for name, arg in zip(params, node.args, strict=False) if (key := guards.key_of(arg)) is not None}
    keys.update({name: key for name, arg in node.named.items() if (key := guards.key_of(arg)) is not None})
    return keys


def _run_arguments(machine: Machine, site: Site) -> None:
    """Functions given to something that calls them: `map(f, xs)`, `Thread(target=f, args=…)`, `.then(x => …)`."""
    pool = [*site.args, *site.named.values()]
    closures = [obj for value in pool for obj in value.objs if isinstance(obj, Closure)]
    if not closures or (site.name not in _RUNS_ITS_ARGUMENT and site.call.line == 0):
        return
    data = [value for value in pool if not value.objs]
    given = merge([element_of(value) if value.items is not None else value for value in data]) if data else Val()
    if site.base is not None and not machine.python:
        given = merge([given, element_of(site.base)]) if site.base.taint or site.base.items or site.base.ref else given
        if site.name == "then":
            given = site.base
    if site.name == "then" and site.base is not None:
        given = site.base
    if any(closure.func.name and _is_registration(site) for closure in closures):
        return
    for closure in closures:
        if site.name in _RUNS_ITS_ARGUMENT or closure.func.name == "<lambda>" or not machine.python:
            enter(machine, closure, [given] * min(len(closure.func.params), 3), {}, site.call, site.scope)


def _is_registration(site: Site) -> bool:
    from symbi_static.flow.entries import is_registration

    return is_registration(site)


def _mutate(machine: Machine, site: Site, node: Call, scope: Scope) -> None:
    if (
        site.name not in _MUTATORS
        or site.base is None
        or not isinstance(node.fn, Attr)
        or site.base.ref.startswith(("os.", "process."))
    ):
        return
    values = [value for value in [*site.args, *site.named.values()] if value.const is not None]
    if not values or (site.name == "set" and site.base.ref):
        return
    base = site.base
    if site.name in ("extend", "update") and len(values) == 1:
        if values[0].items is not None and base.items is not None:
            base = machine.absorb(base, list(values[0].items))
            machine.rebind(node.fn.obj, base, scope, node.line)
            return
        if values[0].fields is not None and base.fields is not None:
            base = replace(machine.absorb(base, values), fields={**base.fields, **values[0].fields})
            machine.rebind(node.fn.obj, base, scope, node.line)
            return
    if any(value.taint or value.objs for value in values) or base.items is not None:
        machine.rebind(node.fn.obj, machine.absorb(base, values), scope, node.line)


def input_value(name: str, line: int, owner: str) -> Val:
    """A parameter that the model fills."""
    return tainted("input", line, f"input `{name}` of tool `{owner}`")
