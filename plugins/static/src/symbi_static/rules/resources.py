"""Work without a bound: loops, recursion, sizes that input chooses, slow patterns, fork bombs."""

from __future__ import annotations

from symbi_static.flow.machine import Site
from symbi_static.ir.nodes import Assign, Call, ClassDef, Const, Expr, Func, If, Jump, Loop, Module, Return, Stmt, Try
from symbi_static.rules.collector import Collector
from symbi_static.rules.patterns import is_explosive

__all__ = ["check_loops", "check_sizes"]

_YIELDS = (
    "$yield",
    "sleep",
    "recv",
    "get",
    "accept",
    "wait",
    "readline",
    "input",
    "read",
    "next",
    "select",
    "poll",
    "join",
    "pop",
    "anext",
    "receive",
    "popleft",
    "serve_forever",
    "await",
)
_SPAWN = ("fork", "Process", "Popen", "start", "spawn", "Thread", "exec", "run")


def check_sizes(site: Site, out: Collector) -> None:
    """Numbers of input that choose how much is done, and patterns of input or with nested quantifiers on input."""
    if site.base is not None and site.base.ref in ("re", "regex") and site.args:
        pattern = site.args[0]
        if pattern.has("input"):
            out.add(
                "slow-pattern",
                "Input is compiled as a pattern.",
                node=site.call,
                trace=pattern.trace("input"),
                confidence=0.75,
            )
        elif is_explosive(pattern.text() or "") and any(value.has("input", "net") for value in site.args[1:]):
            out.add(
                "slow-pattern",
                "A pattern with nested quantifiers reads input.",
                node=site.call,
                trace=site.args[1].trace("input", "net"),
            )
    elif (
        (
            site.name in ("match", "search", "fullmatch", "findall", "test", "exec")
            and site.base is not None
            and "pattern" in site.base.tags
        )
        and is_explosive(site.base.shape or "")
        and any(value.has("input", "net") for value in site.args)
    ):
        out.add(
            "slow-pattern",
            "A pattern with nested quantifiers reads input.",
            node=site.call,
            trace=site.args[0].trace("input", "net"),
        )
    if (
        site.ref in ("bytearray", "range", "Buffer.alloc", "Array", "numpy.zeros", "numpy.ones")
        and site.args
        and site.args[-1].unsafe("code", "input")
    ):
        out.add(
            "size-from-input",
            f"`{site.ref}` gets a number from input.",
            node=site.call,
            trace=site.args[-1].trace("input"),
            confidence=0.6,
        )


def check_loops(module: Module, out: Collector) -> None:
    """Loops and recursion that nothing ends; loops that start processes without an end."""
    for body, func in _bodies(module.body, None):
        for node in body:
            if isinstance(node, Loop) and node.test is not None and _always(node.test):
                names = _names(node.body)
                forks = (
                    bool({"fork", "Popen"} & names)
                    or ("Process" in names and "start" in names)
                    or ({"spawn", "exec", "fork"} & names and module.language != "python")
                )
                if not _ends(node.body) and not names & set(_YIELDS):
                    rule = "fork-bomb" if forks else "endless-loop"
                    out.add(
                        rule,
                        "Nothing ends this loop."
                        if rule == "endless-loop"
                        else "Processes are started without an end.",
                        line=node.line,
                        end=node.end,
                        seed="loop",
                    )
                elif forks and not _ends(node.body):
                    out.add(
                        "fork-bomb", "Processes are started without an end.", line=node.line, end=node.end, seed="loop"
                    )
        if (
            func is not None
            and not func.owner
            and func.name not in ("<lambda>", "")
            and _recurses(func)
            and not _has_branch(func.body)
        ):
            out.add("endless-recursion", f"`{func.name}` always calls itself.", node=func)


def _bodies(body: list[Stmt], func: Func | None) -> list[tuple[list[Stmt], Func | None]]:
    found: list[tuple[list[Stmt], Func | None]] = [(body, func)]
    for node in body:
        match node:
            case If(yes=yes, no=no):
                found += [(part, None) for inner in (yes, no) for part, _ in _bodies(inner, None)]
            case Loop(body=inner):
                found += _bodies(inner, None)
            case Try(body=inner, handlers=handlers, final=final):
                for part in [inner, *(h for _, h in handlers), final]:
                    found += _bodies(part, None)
            case ClassDef(body=inner):
                found += _bodies(inner, None)
            case Assign(value=Func() as own):
                found += _bodies(own.body, own)
    return found


def _always(test: Expr) -> bool:
    return isinstance(test, Const) and bool(test.value)


def _ends(body: list[Stmt]) -> bool:
    for node in body:
        match node:
            case Return():
                return True
            case Jump(kind=kind):
                if kind in ("break", "raise"):
                    return True
            case If(yes=yes, no=no):
                if _ends(yes) or _ends(no):
                    return True
            case Try(body=inner, handlers=handlers):
                if _ends(inner) or any(_ends(h) for _, h in handlers):
                    return True
            case Loop(body=inner):
                if any(isinstance(part, Return) for part in inner) or _ends(
                    [n for n in inner if not isinstance(n, Jump)]
                ):
                    return True
    return False


def _names(nodes: object, *, plain: bool = False) -> set[str]:
    names: set[str] = set()
    stack: list[object] = [nodes]
    while stack:
        part = stack.pop()
        if isinstance(part, Call):
            fn = part.fn
            names.add(str(getattr(fn, "id", "") if plain else getattr(fn, "name", getattr(fn, "id", ""))))
        if isinstance(part, list | tuple):
            stack.extend(part)
        elif isinstance(part, dict):
            stack.extend(part.values())
        elif hasattr(part, "__slots__"):
            for cls in type(part).__mro__:
                stack.extend(
                    getattr(part, slot) for slot in getattr(cls, "__slots__", ()) if slot not in ("line", "end")
                )
    return names


def _recurses(func: Func) -> bool:
    return func.name in _names(func.body, plain=True)


def _has_branch(body: list[Stmt]) -> bool:
    text = {type(node).__name__ for node in body}
    if text & {"If", "Loop", "Try"}:
        return True
    return bool({"Cond", "Test", "Comp"} & _kinds(body))


def _kinds(nodes: object) -> set[str]:
    kinds: set[str] = set()
    stack: list[object] = [nodes]
    while stack:
        part = stack.pop()
        if isinstance(part, list | tuple):
            stack.extend(part)
        elif isinstance(part, dict):
            stack.extend(part.values())
        elif hasattr(part, "__slots__"):
            kinds.add(type(part).__name__)
            for cls in type(part).__mro__:
                stack.extend(
                    getattr(part, slot) for slot in getattr(cls, "__slots__", ()) if slot not in ("line", "end")
                )
    return kinds
