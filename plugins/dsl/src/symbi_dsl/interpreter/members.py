"""Fields and elements: read by table, never by Python's attributes (spec `dsl.md` §7.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.methods import ARITIES, METHODS, PROPERTIES
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.values import ErrorValue, FunctionValue, type_name

__all__ = ["get_index", "get_member", "set_index", "set_member"]


def get_member(runtime: Runtime, value: Any, name: str, at: int) -> Any:
    """Return a field of a map, a property such as `length`, or a method as a function."""
    kind = type_name(value)
    if kind == "map" and name in value:
        return value[name]
    if kind == "error" and isinstance(value, ErrorValue) and name in ("message", "kind", "details"):
        return getattr(value, name)
    if name in PROPERTIES and (kind, name) in METHODS:
        return METHODS[kind, name](runtime, value)
    method = METHODS.get((kind, name))
    if method is not None:
        return _bound(runtime, method, value, name)
    if value is None:
        raise LanguageError("NullValue", f"null has no '{name}'", at=at)
    raise LanguageError("NoSuchField", f"{kind} has no '{name}'", at=at)


def _bound(runtime: Runtime, method: Callable[..., Any], value: Any, name: str) -> FunctionValue:
    low, high = ARITIES[method]

    def call(arguments: list[Any]) -> Any:
        if len(arguments) < low:
            raise LanguageError("MissingArgument", f"{name} takes {low} to {high} arguments")
        return method(runtime, value, *arguments[:high])

    return FunctionValue(name, low, call)


def get_index(value: Any, index: Any, at: int) -> Any:
    """Return an element of a list or text (negative from the end) or an entry of a map."""
    if isinstance(value, dict):
        if not isinstance(index, str):
            raise LanguageError("TypeMismatch", "a map is indexed by a string", at=at)
        if index not in value:
            raise LanguageError("NoSuchKey", f"the map has no key '{index[:60]}'", at=at)
        return value[index]
    if isinstance(value, list | str):
        if type(index) is not int:
            raise LanguageError("TypeMismatch", f"a {type_name(value)} is indexed by a whole number", at=at)
        if not -len(value) <= index < len(value):
            message = f"index {index} is outside a {type_name(value)} of {len(value)}"
            raise LanguageError("OutOfRange", message, at=at)
        return value[index]
    if value is None:
        raise LanguageError("NullValue", "null has no elements", at=at)
    raise LanguageError("TypeMismatch", f"a {type_name(value)} has no elements", at=at)


def set_member(runtime: Runtime, target: Any, name: str, value: Any, at: int) -> None:
    """Set a field of a map."""
    if not isinstance(target, dict):
        raise LanguageError("TypeMismatch", f"a {type_name(target)} has no field to set", at=at)
    if name not in target:
        runtime.items(len(target) + 1, new=1)
    target[name] = value


def set_index(runtime: Runtime, target: Any, index: Any, value: Any, at: int) -> None:
    """Set an element of a list, which must exist, or an entry of a map."""
    if isinstance(target, dict):
        if not isinstance(index, str):
            raise LanguageError("TypeMismatch", "a map is indexed by a string", at=at)
        set_member(runtime, target, index, value, at)
        return
    if not isinstance(target, list):
        raise LanguageError("TypeMismatch", f"a {type_name(target)} has no element to set", at=at)
    get_index(target, index, at)
    target[index] = value
