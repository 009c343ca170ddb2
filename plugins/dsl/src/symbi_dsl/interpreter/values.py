"""Values of a program: plain Python values for data, a few classes for the rest; nothing of Python shows through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.syntax.units import Duration, Quantity, Size

__all__ = [
    "DEPTH",
    "INT_MAX",
    "INT_MIN",
    "UNSET",
    "ErrorValue",
    "FunctionValue",
    "Secret",
    "StructValue",
    "equals",
    "from_json",
    "text_of",
    "to_json",
    "truthy",
    "type_name",
]

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
DEPTH = 64
"""How deep lists and maps may be nested where they are compared, shown or sent."""


class _Unset:
    __slots__ = ()


UNSET = _Unset()


class FunctionValue:
    """A function, lambda or pure built-in: `call(arguments) -> value`."""

    __slots__ = ("call", "name", "params")

    def __init__(self, name: str, params: int, call: Callable[[list[Any]], Any]) -> None:
        self.name = name
        self.params = params
        self.call = call


class ErrorValue:
    """What `error(…)` gives; returning it from a program fails the run."""

    __slots__ = ("at", "details", "kind", "message")

    def __init__(self, message: str, details: Any = None, kind: str = "Error") -> None:
        self.at = -1
        self.message = message
        self.details = details
        self.kind = kind


class Secret:
    """A reference to a secret; the runtime puts in the value where a tool needs it, the program never sees it."""

    __slots__ = ("reference",)

    def __init__(self, reference: str) -> None:
        self.reference = reference


class StructValue(dict[str, Any]):
    """A map that knows the name of its type."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str, pairs: dict[str, Any]) -> None:
        super().__init__(pairs)
        self.type_name = type_name


def truthy(value: Any) -> bool:
    """Tell whether a value counts as true: not false, null, empty or zero (dsl.md §7.1)."""
    if value is True or value is False:
        return bool(value)
    return not (value is None or value == "" or value == 0 or (isinstance(value, list | dict) and not value))


def type_name(value: Any) -> str:
    """Return the language's name for the type of a value."""
    if value is None:
        return "null"
    return _NAMES.get(type(value), "value")


_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    list: "list",
    dict: "map",
    StructValue: "map",
    Duration: "duration",
    Size: "size",
    FunctionValue: "function",
    ErrorValue: "error",
    Secret: "secret",
}


def equals(left: Any, right: Any, runtime: Any = None, depth: int = 0) -> bool:
    """Compare by structure: numbers by value, never a boolean with a number; `runtime` counts the work of it."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        _deep(depth)
        if len(left) != len(right):
            return False
        if runtime is not None:
            runtime.work(len(left) + 16)
        for a, b in zip(left, right, strict=True):  # noqa: SIM110  # no C frames between the program's own calls
            if not equals(a, b, runtime, depth + 1):
                return False
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        _deep(depth)
        if len(left) != len(right):
            return False
        if runtime is not None:
            runtime.work(len(left) + 16)
        for key, value in left.items():  # noqa: SIM110  # no C frames between the program's own calls
            if key not in right or not equals(value, right[key], runtime, depth + 1):
                return False
        return True
    if isinstance(left, str | Quantity) and type(left) is type(right):
        return bool(left == right)
    return left is right


def _deep(depth: int) -> None:
    if depth > DEPTH:
        raise LanguageError("TooDeep", f"lists and maps are nested more than {DEPTH} levels deep")


def text_of(value: Any, *, most: int = 1_048_576) -> str:
    """Return a value as `print` and `+` show it: texts bare, everything in lists and maps as it would be written."""
    if isinstance(value, str):
        return value
    parts: list[str] = []
    _show(value, parts, 0, [most])
    return "".join(parts)


def _show(value: Any, parts: list[str], depth: int, room: list[int]) -> None:
    if isinstance(value, list | dict):
        _deep(depth)
        pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        parts.append("{" if isinstance(value, dict) else "[")
        for index, (key, item) in enumerate(list(pairs)):
            parts.append(", " if index else "")
            if key is not None:
                parts.append(f"{key}: ")
            _show(item, parts, depth + 1, room)
        parts.append("}" if isinstance(value, dict) else "]")
        return
    shown = f'"{value}"' if isinstance(value, str) else _scalar(value)
    room[0] -= len(shown) + 2
    if room[0] < 0:
        raise LanguageError("TooLong", "the value is too long to show")
    parts.append(shown)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, ErrorValue):
        return f"error: {value.message}"
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, FunctionValue):
        return f"Function({value.name})" if value.name else f"Lambda({value.params} params)"
    return str(value)


def to_json(value: Any, depth: int = 0) -> Any:
    """Return a copy that is JSON-ready; a secret becomes `{"$secret": reference}`, a function can not be sent."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise LanguageError("TypeMismatch", "a number that is not finite can not be sent")
        return value
    if isinstance(value, list):
        _deep(depth)
        return [to_json(item, depth + 1) for item in value]
    if isinstance(value, dict):
        _deep(depth)
        return {key: to_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Secret):
        return {"$secret": value.reference}
    if isinstance(value, ErrorValue):
        return {"error": value.message, "kind": value.kind, "details": to_json(value.details, depth + 1)}
    if isinstance(value, Quantity):
        return str(value)
    raise LanguageError("TypeMismatch", f"a {type_name(value)} can not be sent")


def _large(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise LanguageError("Overflow", "a number is too large") from None


def from_json(value: Any, depth: int = 0) -> Any:
    """Return a copy of JSON-ready data as values of the language."""
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return value if INT_MIN <= value <= INT_MAX else _large(value)
    if isinstance(value, list | tuple):
        _deep(depth)
        return [from_json(item, depth + 1) for item in value]
    if isinstance(value, dict):
        _deep(depth)
        return {str(key): from_json(item, depth + 1) for key, item in value.items()}
    return str(value)
