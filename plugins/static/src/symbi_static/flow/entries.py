"""Which functions a model can call: marked ones, registered ones, and in a file without marks every function nobody else calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbi_static.flow.calls import enter, input_value, instance_of
from symbi_static.flow.values import Closure, Instance, Scope, Val
from symbi_static.ir.nodes import Attr, Call, Expr, Func, Name, Stmt

if TYPE_CHECKING:
    from symbi_static.flow.machine import Machine, Site

__all__ = ["is_registration", "mark_name", "register_call", "register_mark", "walk_entries"]

_MARKS = frozenset({"tool", "call_tool", "resource", "prompt", "function_tool", "register_tool", "ai_function", "kernel_function", "command", "route", "post", "get", "mcp_tool", "skill", "action"})  # fmt: skip  # noqa: E501  # one list, one place
_REGISTRARS = frozenset({"add_tool", "register_tool", "registerTool", "addTool", "setRequestHandler", "from_function", "tool", "register", "set_handler", "add_handler", "defineTool", "createTool", "registerPrompt", "add_resource", "FunctionTool", "StructuredTool", "Tool", "DynamicStructuredTool", "DynamicTool", "handler", "add_api_route"})  # fmt: skip  # noqa: E501  # one list, one place
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "all", "use", "route"})
_CONTEXT_NAMES = frozenset({"self", "cls", "ctx", "_ctx", "extra", "res", "next"})
_TOOL_BASES = ("BaseTool", "Tool", "StructuredTool", "BaseModelTool", "MCPTool", "AbstractTool")
_TOOL_METHODS = frozenset(
    {"run", "_run", "_arun", "execute", "invoke", "call", "__call__", "handle", "forward", "arun", "_call"}
)


def mark_name(mark: Expr) -> str:
    """The last word of a decorator: `@server.tool("x")` is `tool`."""
    node = mark.fn if isinstance(mark, Call) else mark
    return node.name if isinstance(node, Attr) else node.id if isinstance(node, Name) else ""


def register_mark(machine: Machine, mark: Expr, closure: Closure) -> None:
    """Remember a function whose decorator makes it a tool."""
    if mark_name(mark) in _MARKS:
        _remember(machine, closure, closure.func.name)


def is_registration(site: Site) -> bool:
    if site.name in _VERBS and site.args and (site.args[0].text() or "").startswith("/"):
        return any(isinstance(obj, Closure) for value in site.args[1:] for obj in value.objs)
    return site.name in _REGISTRARS or (site.name.lower().endswith(("tool", "handler")) and site.name[:1].islower())


def register_call(machine: Machine, site: Site) -> None:
    """Remember functions that are handed over as tools: `add_tool(fn)`, `server.tool("x", {}, async (…) => …)`."""
    if not is_registration(site):
        return
    name = next((text for value in site.args if (text := value.text())), "")
    for value in [*site.args, *site.named.values()]:
        options = list(value.objs)
        for field, part in (value.fields or {}).items():
            if field in ("execute", "handler", "run", "func", "fn", "callback", "call", "cb"):
                options.extend(part.objs)
        for option in options:
            if isinstance(option, Closure):
                _remember(machine, option, name or option.func.name)


def _remember(machine: Machine, closure: Closure, name: str) -> None:
    if not any(known.func is closure.func and known.bound is closure.bound for known, _ in machine.entries):
        machine.entries.append((closure, name))


def walk_entries(machine: Machine) -> None:
    """Walk all tools with tainted input, then every function that nothing has reached yet."""
    for _ in range(2):
        machine.known.clear()
        position = 0
        while position < len(machine.entries):
            closure, name = machine.entries[position]
            position += 1
            _walk(machine, closure, name or closure.func.name, tainted=True)
        _tool_classes(machine)
        _deferred(machine)
    called = called_names(machine.module.body)
    for tainted in (True, False):
        _rest(machine, called, tainted=tainted)
        _deferred(machine)


def _deferred(machine: Machine) -> None:
    """Calls that were nested too deeply are walked from the top, so that no flow is lost below them."""
    while machine.deferred:
        machine.deferred.pop()()


def _rest(machine: Machine, called: set[str], *, tainted: bool) -> None:
    for closure in list(machine.closures):
        func = closure.func
        if (
            id(func) in machine.called
            or (
                tainted
                and (f".{func.name}" if _owner(machine, func) is not None or func.owner else func.name) in called
            )
            or func.name in ("__init__", "constructor")
        ):
            continue
        bound = _owner(machine, func)
        private = func.name.startswith("_") and not func.name.startswith("__call__") and func.name not in _TOOL_METHODS
        _walk(
            machine,
            Closure(func, closure.scope, bound or closure.bound),
            func.name,
            tainted=tainted and not private and func.name != "<lambda>",
        )


def _owner(machine: Machine, func: Func) -> Instance | None:
    for cls in machine.classes:
        value = cls.attrs.get(func.name)
        if value is not None and any(isinstance(obj, Closure) and obj.func is func for obj in value.objs):
            return instance_of(machine, cls)
    return None


def _tool_classes(machine: Machine) -> None:
    for cls in machine.classes:
        if not any(ref.rsplit(".", 1)[-1] in _TOOL_BASES for ref in cls.base_refs):
            continue
        for name in _TOOL_METHODS:
            value = cls.lookup(name)
            for obj in value.objs if value else ():
                if isinstance(obj, Closure):
                    _walk(machine, Closure(obj.func, obj.scope, instance_of(machine, cls)), cls.node.name, tainted=True)


def _walk(machine: Machine, closure: Closure, name: str, *, tainted: bool) -> None:
    if closure.bound is None:
        bound = _owner(machine, closure.func)
        closure = Closure(closure.func, closure.scope, bound)
    func = closure.func
    _ready(machine, closure.bound)
    params = [param for param in func.params if not (closure.bound is not None and param.name in ("self", "cls"))]
    args = []
    for param in params:
        own = param.name.lstrip("*")
        args.append(
            input_value(own or "arguments", func.line, name) if tainted and own not in _CONTEXT_NAMES else Val()
        )
    spread = {param.name: value for param, value in zip(params, args, strict=True) if not param.name.startswith("*")}
    extra = [
        value
        for param, value in zip(params, args, strict=True)
        if param.name == "*" or (param.name.startswith("*") and param.name[1:2] != "*")
    ]
    if all(isinstance(param.target, Name) for param in params):
        words = {
            **spread,
            **{
                f"{param.name[2:]}": value
                for param, value in zip(params, args, strict=True)
                if param.name.startswith("**")
            },
        }
        enter(machine, closure, extra, words, func, closure.scope, entry=True)
    else:
        enter(machine, closure, args, {}, func, closure.scope, entry=True)


def _ready(machine: Machine, owner: Instance | None) -> None:
    """An object is made once before its methods are walked, so that its fields are there."""
    if owner is None:
        return
    init = owner.cls.lookup("__init__") or owner.cls.lookup("constructor")
    for obj in init.objs if init else ():
        if isinstance(obj, Closure) and id(obj.func) not in machine.called:
            enter(machine, Closure(obj.func, obj.scope, owner), [], {}, obj.func, Scope({}))


def called_names(body: list[Stmt]) -> set[str]:
    """Every name that is called anywhere in the file; names of methods have a dot before them."""
    names: set[str] = set()
    stack: list[object] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, Call):
            names.add(node.fn.id if isinstance(node.fn, Name) else f".{mark_name(node)}")
        if isinstance(node, list | tuple):
            stack.extend(node)
        elif isinstance(node, dict):
            stack.extend(node.values())
        elif hasattr(node, "__slots__"):
            for cls in type(node).__mro__:
                stack.extend(
                    getattr(node, slot)
                    for slot in getattr(cls, "__slots__", ())
                    if slot not in ("line", "end", "marks")
                )
    return names
