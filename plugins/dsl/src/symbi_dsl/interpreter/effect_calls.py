"""Built-in functions that ask something of the runtime: their arguments become one effect each (spec `dsl.md` §7.4, §7.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from symbi.contracts.effects import EffectDenied, EffectFailed
from symbi.contracts.languages import POSITIONAL
from symbi.contracts.offers import load
from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.values import Secret, from_json, text_of, to_json, type_name
from symbi_dsl.syntax.units import Duration

__all__ = ["EFFECT_CALLS", "ask", "tool_arguments"]

Named = dict[str, Any]
MOST_TASKS = 32


def ask(runtime: Runtime, kind: str, name: str, arguments: Named, at: int) -> Any:
    """Ask the runtime for one effect; a refusal becomes `PolicyDenied`, a failure an error of its own kind."""
    line, column = runtime.place(at)
    try:
        answer = runtime.effects.call(kind, name, arguments, line=line, column=column)
    except EffectDenied as error:
        raise LanguageError(
            "PolicyDenied", error.message, at=at, code="policy_denied", details=_details(error)
        ) from None
    except EffectFailed as error:
        raise LanguageError(
            _kind(error.error_code), error.message, at=at, code=error.error_code, details=_details(error)
        ) from None
    value = from_json(answer)
    runtime.spend(_weight(answer))
    return value


def _details(error: Any) -> Any:
    return from_json(error.details) if error.details is not None else None


def _kind(code: str) -> str:
    return "".join(part.capitalize() for part in code.replace("-", "_").split("_")) or "EffectFailed"


def _weight(value: Any) -> int:
    """Return roughly how much an answer takes, without recursion."""
    total, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        total += len(item) if isinstance(item, str | list | dict) else 1
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
    return total


def _merge(names: tuple[str, ...], args: list[Any], named: Named, what: str) -> Named:
    """Give positional arguments their names; one map alone stands for all of them."""
    if len(args) == 1 and not named and isinstance(args[0], dict):
        return dict(args[0])
    found = dict(zip(names, args, strict=False))
    for key, value in named.items():
        if key in found:
            raise LanguageError("TypeMismatch", f"{what}: '{key}' is given twice")
        found[key] = value
    return found


def _need(found: Named, key: str, what: str) -> Any:
    if found.get(key) is None:
        raise LanguageError("MissingArgument", f"{what} needs '{key}'")
    return found.pop(key)


def _words(found: Named, key: str, what: str) -> str:
    value = _need(found, key, what)
    if not isinstance(value, str):
        raise LanguageError("TypeMismatch", f"{what}: '{key}' must be a string, not {type_name(value)}")
    return value


def _no_secret(value: Any, what: str) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Secret):
            raise LanguageError("SecretValue", f"{what}: a secret can not be put into words")
        waiting.extend(item if isinstance(item, list) else item.values() if isinstance(item, dict) else ())


# ---- one function per group of built-ins -------------------------------------------------------------------------
def _print(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    line = runtime.place(at)[0]
    level, rest = ("", args) if name == "print" or len(args) < 2 else (text_of(args[0]), args[1:])
    words = [text_of(value) for value in rest] + [f"{key}={text_of(value)}" for key, value in named.items()]
    message = f"{level}: {' '.join(words)}" if level else " ".join(words)
    runtime.effects.log(message[:4096], line=line)
    return None


def _now(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    return ask(runtime, "now", "", {}, at)


def _generate_id(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    fresh = text_of(ask(runtime, "id", "", {}, at))
    return f"{text_of(args[0])}-{fresh}" if args else fresh


def _tool_call(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    tool = args[0] if args else None
    if not isinstance(tool, str):
        raise LanguageError("TypeMismatch", "tool_call takes the name of a tool first")
    given: Any = args[1] if len(args) > 1 else dict(named)
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given)
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise LanguageError("ParseError", "tool_call: the arguments are no JSON") from None
    if not isinstance(given, dict):
        raise LanguageError("TypeMismatch", "tool_call takes the arguments as a map")
    arguments = {**given, **(named if len(args) > 1 else {})}
    answer: Named = {"tool": tool, "arguments": arguments}
    try:
        return answer | {"status": "success", "result": ask(runtime, "tool", tool, to_json(arguments), at)}
    except LanguageError as error:
        missing = error.code.upper() in ("NOT_FOUND", "SERVICE_UNAVAILABLE", "UNAVAILABLE")
        status = "denied" if error.code == "policy_denied" else "not_executed" if missing else "error"
        return answer | {"status": status, "reason": error.message}


def _reasoning(kind: str, names: tuple[str, ...], needed: str) -> Callable[..., Any]:
    def call(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
        found = _merge(names, args, named, name)
        _no_secret(found, name)
        if found.get(needed) is None:
            raise LanguageError("MissingArgument", f"{name} needs '{needed}'")
        answer = ask(runtime, kind, name, to_json(found), at)
        return _carry_on(runtime, answer, at) if isinstance(answer, dict) and "$entry" in answer else answer

    return call


def _carry_on(runtime: Runtime, answer: Named, at: int) -> Any:
    """Run here what the runtime names as the rest of the effect: a reasoning loop, whose own effects pass the gate one by one."""
    try:
        value = load(str(answer["$entry"]))(to_json(answer["program"]), runtime.effects)
    except EffectDenied as error:
        raise LanguageError("PolicyDenied", error.message, at=at, code="policy_denied") from None
    except EffectFailed as error:
        raise LanguageError(_kind(error.error_code), error.message, at=at, code=error.error_code) from None
    runtime.spend(_weight(value))
    return from_json(value)


def _to_agent(kind: str, names: tuple[str, ...], needed: str) -> Callable[..., Any]:
    def call(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
        found = _merge(names, args, named, name)
        _no_secret(found, name)
        agent = _words(found, names[0], name)
        if found.get(needed) is None:
            raise LanguageError("MissingArgument", f"{name} needs '{needed}'")
        return ask(runtime, kind, agent, to_json(found), at)

    return call


def _tasks(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    tasks = args[0] if args else named.get("tasks")
    if isinstance(tasks, dict) and "tasks" in tasks:
        tasks = tasks["tasks"]
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "agent" in task for task in tasks):
        raise LanguageError("TypeMismatch", f"{name} takes a list of {{agent, message}}")
    if not tasks and name == "race":
        raise LanguageError("OutOfRange", "race needs at least one task")
    if len(tasks) > MOST_TASKS:
        raise LanguageError("OutOfRange", f"{name} takes at most {MOST_TASKS} tasks")
    _no_secret(tasks, name)
    return ask(runtime, name, "", {"tasks": to_json(tasks)}, at)


def _memory(kind: str, names: tuple[str, ...], needed: str) -> Callable[..., Any]:
    def call(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
        whole = names[0] != "store" and len(args) == 1 and kind != "recall"
        found = {needed: args[0], **named} if whole else _merge(names, args, named, name)
        store = found.pop("store", "")
        if not isinstance(store, str):
            raise LanguageError("TypeMismatch", f"{name}: the store is named by a string")
        if found.get(needed) is None:
            raise LanguageError("MissingArgument", f"{name} needs '{needed}'")
        _no_secret(found, name)
        return ask(runtime, kind, store, to_json(found), at)

    return call


def _publish(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    found = _merge(("topic", "value"), args, named, name)
    topic = _words(found, "topic", name)
    _no_secret(found, name)
    return ask(runtime, name, topic, to_json(found), at)


def _approval(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    more = args[1] if len(args) > 1 and isinstance(args[1], dict) else {}
    worded = bool(args) and isinstance(args[0], str)
    found = {"reason": args[0], **more, **named} if worded else _merge((), args, named, name)
    _no_secret(found, name)
    return ask(runtime, "approval", "", to_json(found), at)


def _audit(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    event = text_of(args[0]) if args and not isinstance(args[0], dict) else name
    values = args[-1] if args and isinstance(args[-1], dict) else dict(named)
    _no_secret(values, name)
    return ask(runtime, "audit", event, {"values": to_json(values), "level": name}, at)


def _sleep(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    span: Any = args[0] if args else named.get("duration", named.get("seconds"))
    seconds: Any = span.seconds if isinstance(span, Duration) else span
    if type(seconds) not in (int, float) or seconds < 0:
        raise LanguageError("TypeMismatch", "sleep takes a duration such as `5s`")
    ask(runtime, "sleep", "", {"seconds": float(seconds)}, at)
    return None


def _wait_event(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    found = _merge(("type", "timeout"), args, named, name)
    kind, span = found.get("type", ""), found.get("timeout")
    seconds = span.seconds if isinstance(span, Duration) else span
    if not isinstance(kind, str) or not (seconds is None or type(seconds) in (int, float)):
        raise LanguageError("TypeMismatch", "wait_event takes the type of an event, and a duration")
    return ask(runtime, "wait_event", kind, {} if seconds is None else {"seconds": float(seconds)}, at)


def _respond(runtime: Runtime, name: str, args: list[Any], named: Named, at: int) -> Any:
    value = args[0] if args else dict(named)
    _no_secret(value, name)
    return ask(runtime, "respond", "", {"value": to_json(value)}, at)


EFFECT_CALLS: dict[str, Callable[..., Any]] = {
    "print": _print,
    "log": _print,
    "now": _now,
    "generate_id": _generate_id,
    "tool_call": _tool_call,
    "reason": _reasoning("reason", ("system", "user", "max_iterations"), "user"),
    "llm_call": _reasoning("llm", ("prompt",), "prompt"),
    "chain": _reasoning("reason", ("steps",), "steps"),
    "debate": _reasoning("reason", ("topic",), "topic"),
    "map_reduce": _reasoning("reason", ("inputs",), "inputs"),
    "director": _reasoning("reason", ("task",), "task"),
    "delegate": _to_agent("delegate", ("agent", "message", "timeout"), "message"),
    "ask": _to_agent("ask", ("agent", "message"), "message"),
    "send_to": _to_agent("send", ("agent", "message"), "message"),
    "spawn_agent": _to_agent("spawn", ("name", "system", "tools"), "system"),
    "parallel": _tasks,
    "race": _tasks,
    "memory_search": _memory("recall", ("store", "query", "limit"), "query"),
    "memory_write": _memory("remember", ("store", "record"), "record"),
    "remember": _memory("remember", ("record", "store"), "record"),
    "recall": _memory("recall", ("query", "limit"), "query"),
    "forget": _memory("forget", ("id", "store"), "id"),
    "publish": _publish,
    "subscribe": _publish,
    "request_approval": _approval,
    "audit_log": _audit,
    "security_event": _audit,
    "sleep": _sleep,
    "wait_event": _wait_event,
    "respond": _respond,
}


def tool_arguments(args: list[Any], named: Named) -> Named:
    """Return the arguments of a tool call as the gate gets them."""
    found = {key: to_json(value) for key, value in named.items()}
    if args:
        found[POSITIONAL] = [to_json(value) for value in args]
    return found
