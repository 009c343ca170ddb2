"""Methods by type and name (spec `dsl.md` §7.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.operators import contains, less
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.values import FunctionValue, equals, text_of, truthy, type_name

__all__ = ["ARITIES", "METHODS", "PROPERTIES", "sort_values"]

PROPERTIES = frozenset({"length", "len", "size", "is_empty"})
"""Methods that may be used without parentheses."""


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise LanguageError("TypeMismatch", f"{what} must be a string, not {type_name(value)}")
    return value


def _whole(value: Any, what: str) -> int:
    if type(value) is not int:
        raise LanguageError("TypeMismatch", f"{what} must be a whole number, not {type_name(value)}")
    return value


def _function(value: Any, what: str) -> Callable[[list[Any]], Any]:
    if not isinstance(value, FunctionValue):
        raise LanguageError("TypeMismatch", f"{what} must be a function, not {type_name(value)}")
    return value.call


def _length(runtime: Runtime, value: Any) -> Any:
    return len(value)


def _is_empty(runtime: Runtime, value: Any) -> Any:
    return not value


def _upper(runtime: Runtime, value: str) -> Any:
    runtime.text(len(value) * 3)
    return value.upper()


def _lower(runtime: Runtime, value: str) -> Any:
    runtime.text(len(value) * 3)
    return value.lower()


def _trim(runtime: Runtime, value: str) -> Any:
    runtime.spend(len(value))
    return value.strip()


def _contains(runtime: Runtime, value: Any, item: Any) -> Any:
    return contains(runtime, item, value)


def _starts_with(runtime: Runtime, value: str, prefix: Any) -> Any:
    return value.startswith(_text(prefix, "the prefix"))


def _ends_with(runtime: Runtime, value: str, suffix: Any) -> Any:
    return value.endswith(_text(suffix, "the suffix"))


def _split(runtime: Runtime, value: str, separator: Any = None) -> Any:
    if separator is None:
        parts = value.split()
    elif _text(separator, "the separator") == "":
        parts = list(value)
    else:
        runtime.items(value.count(separator) + 1)
        parts = value.split(separator)
    runtime.items(len(parts))
    runtime.spend(len(value))
    return parts


def _replace(runtime: Runtime, value: str, old: Any, new: Any) -> Any:
    old, new = _text(old, "what is replaced"), _text(new, "the replacement")
    if not old:
        raise LanguageError("TypeMismatch", "what is replaced can not be empty")
    runtime.text(len(value) + value.count(old) * max(len(new) - len(old), 0))
    return value.replace(old, new)


def _slice(runtime: Runtime, value: Any, start: Any, end: Any = None) -> Any:
    found = value[_whole(start, "the start") : None if end is None else _whole(end, "the end")]
    runtime.spend(len(found))
    return found


def _index_of(runtime: Runtime, value: Any, item: Any) -> Any:
    if isinstance(value, str):
        return value.find(_text(item, "what is looked for"))
    runtime.work(len(value))
    for index, other in enumerate(value):
        if equals(item, other, runtime):
            return index
    return -1


def _push(runtime: Runtime, value: list[Any], item: Any) -> Any:
    runtime.items(len(value) + 1, new=1)
    value.append(item)
    return value


def _pop(runtime: Runtime, value: list[Any]) -> Any:
    if not value:
        raise LanguageError("OutOfRange", "the list is empty")
    return value.pop()


def _filter(runtime: Runtime, value: list[Any], test: Any) -> Any:
    call = _function(test, "the test")
    runtime.items(len(value))
    runtime.work(len(value))
    found = []
    for item in list(value):
        if truthy(call([item])):
            found.append(item)
    return found


def _map(runtime: Runtime, value: list[Any], change: Any) -> Any:
    call = _function(change, "the change")
    runtime.items(len(value))
    runtime.work(len(value))
    found = []
    for item in list(value):
        found.append(call([item]))
    return found


def _any(runtime: Runtime, value: list[Any], test: Any = None) -> Any:
    call = None if test is None else _function(test, "the test")
    runtime.work(len(value))
    for item in list(value):  # noqa: SIM110  # no C frames between the program's own calls
        if truthy(item if call is None else call([item])):
            return True
    return False


def _all(runtime: Runtime, value: list[Any], test: Any = None) -> Any:
    call = None if test is None else _function(test, "the test")
    runtime.work(len(value))
    for item in list(value):  # noqa: SIM110  # no C frames between the program's own calls
        if not truthy(item if call is None else call([item])):
            return False
    return True


def _join(runtime: Runtime, value: list[Any], separator: Any = "") -> Any:
    runtime.work(len(value))
    parts = [text_of(item, most=runtime.limits.max_text) for item in value]
    between = _text(separator, "the separator")
    runtime.text(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def sort_values(runtime: Runtime, value: list[Any]) -> Any:
    """Return a sorted copy of a list of values that can be compared with each other."""
    runtime.items(len(value))
    runtime.work(len(value) * 4 * max(1, len(value).bit_length()))

    def order(left: Any, right: Any) -> int:
        return -1 if less(runtime, left, right) else (1 if less(runtime, right, left) else 0)

    return sorted(value, key=cmp_to_key(order))


def _reverse(runtime: Runtime, value: list[Any]) -> Any:
    runtime.items(len(value))
    return value[::-1]


def _first(runtime: Runtime, value: list[Any]) -> Any:
    return value[0] if value else None


def _last(runtime: Runtime, value: list[Any]) -> Any:
    return value[-1] if value else None


def _keys(runtime: Runtime, value: dict[str, Any]) -> Any:
    runtime.items(len(value))
    return list(value)


def _values(runtime: Runtime, value: dict[str, Any]) -> Any:
    runtime.items(len(value))
    return list(value.values())


def _get(runtime: Runtime, value: dict[str, Any], key: Any, default: Any = None) -> Any:
    return value.get(_text(key, "the key"), default)


def _remove(runtime: Runtime, value: dict[str, Any], key: Any) -> Any:
    return value.pop(_text(key, "the key"), None)


def _to_string(runtime: Runtime, value: Any) -> Any:
    text = text_of(value, most=runtime.limits.max_text)
    runtime.text(len(text))
    return text


_SIZED: dict[str, Callable[..., Any]] = {
    "length": _length,
    "len": _length,
    "size": _length,
    "is_empty": _is_empty,
    "contains": _contains,
}
_STRING: dict[str, Callable[..., Any]] = {
    **_SIZED,
    "upper": _upper,
    "lower": _lower,
    "trim": _trim,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "split": _split,
    "replace": _replace,
    "slice": _slice,
    "index_of": _index_of,
}
_LIST: dict[str, Callable[..., Any]] = {
    **_SIZED,
    "push": _push,
    "append": _push,
    "pop": _pop,
    "filter": _filter,
    "map": _map,
    "any": _any,
    "all": _all,
    "join": _join,
    "sort": sort_values,
    "reverse": _reverse,
    "slice": _slice,
    "index_of": _index_of,
    "first": _first,
    "last": _last,
}
_MAP: dict[str, Callable[..., Any]] = {
    **_SIZED,
    "keys": _keys,
    "values": _values,
    "get": _get,
    "has": _contains,
    "remove": _remove,
}

METHODS: dict[tuple[str, str], Callable[..., Any]] = {
    **{("string", name): call for name, call in _STRING.items()},
    **{("list", name): call for name, call in _LIST.items()},
    **{("map", name): call for name, call in _MAP.items()},
    **{
        (kind, "to_string"): _to_string
        for kind in ("string", "list", "map", "int", "float", "bool", "duration", "size", "null")
    },
}


def _arity(method: Callable[..., Any]) -> tuple[int, int]:
    most = method.__code__.co_argcount - 2
    return most - len(method.__defaults__ or ()), most


ARITIES = {method: _arity(method) for method in METHODS.values()}
"""How many arguments each method takes, beside the value it is called on."""
