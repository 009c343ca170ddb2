"""Checks of declared types at run time: built-in scalar and container types; everything else takes any value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.values import type_name
from symbi_dsl.syntax.items import TypeRef

__all__ = ["type_check"]

_ALIASES = {
    "string": "string",
    "str": "string",
    "int": "int",
    "integer": "int",
    "float": "float",
    "number": "number",
    "bool": "bool",
    "boolean": "bool",
    "list": "list",
    "array": "list",
    "map": "map",
    "dict": "map",
    "duration": "duration",
    "size": "size",
}


def type_check(ref: TypeRef | None) -> Callable[[Any, str, int], Any] | None:
    """Return a function `(value, name, at) -> value` that refuses values of another type, or None where all are taken."""
    wanted = _ALIASES.get(ref.name.lower()) if ref is not None else None
    if wanted is None:
        return None

    def check(value: Any, name: str, at: int) -> Any:
        found = type_name(value)
        if found == wanted or (wanted == "number" and found in ("int", "float")):
            return value
        if wanted == "float" and found == "int":
            return float(value)
        if found in ("null", "secret"):
            return value
        raise LanguageError("TypeMismatch", f"'{name}' must be {wanted}, not {found}", at=at)

    return check
