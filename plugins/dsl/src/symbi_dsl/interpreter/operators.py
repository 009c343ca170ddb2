"""What operators do with values that are no small integers (spec `dsl.md` §7.2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.values import INT_MAX, INT_MIN, equals, text_of, type_name
from symbi_dsl.syntax.units import Quantity

__all__ = ["ARITHMETIC", "COMPARISON", "contains", "negate"]

_Operator = Callable[[Runtime, Any, Any], Any]


def _number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _mismatch(operator: str, left: Any, right: Any) -> LanguageError:
    names = f"{type_name(left)} and {type_name(right)}"
    return LanguageError("TypeMismatch", f"`{operator}` does not work on {names}")


def checked(value: Any) -> Any:
    """Return a number that fits, or raise."""
    if type(value) is int:
        if not INT_MIN <= value <= INT_MAX:
            raise LanguageError("Overflow", "the result does not fit in 64 bits")
    elif not math.isfinite(value):
        raise LanguageError("Overflow", "the result is too large")
    return value


def _of_quantity(like: Quantity, base: float) -> Quantity:
    if not math.isfinite(base) or abs(base) > INT_MAX:
        raise LanguageError("Overflow", "the result does not fit in 64 bits")
    return type(like)(round(base), like.unit)


def add(runtime: Runtime, left: Any, right: Any) -> Any:
    """Add numbers, texts and anything, lists, durations, sizes."""
    if _number(left) and _number(right):
        return checked(left + right)
    if isinstance(left, str) or isinstance(right, str):
        most = runtime.limits.max_text
        a, b = text_of(left, most=most), text_of(right, most=most)
        runtime.text(len(a) + len(b))
        return a + b
    if isinstance(left, list) and isinstance(right, list):
        runtime.items(len(left) + len(right))
        return [*left, *right]
    if isinstance(left, Quantity) and type(left) is type(right):
        return _of_quantity(left, left.base + right.base)
    raise _mismatch("+", left, right)


def subtract(runtime: Runtime, left: Any, right: Any) -> Any:
    """Subtract numbers, durations, sizes."""
    if _number(left) and _number(right):
        return checked(left - right)
    if isinstance(left, Quantity) and type(left) is type(right):
        return _of_quantity(left, left.base - right.base)
    raise _mismatch("-", left, right)


def multiply(runtime: Runtime, left: Any, right: Any) -> Any:
    """Multiply numbers, or a duration or size by a number."""
    if _number(left) and _number(right):
        return checked(left * right)
    if isinstance(left, Quantity) and _number(right):
        return _of_quantity(left, left.base * right)
    if isinstance(right, Quantity) and _number(left):
        return _of_quantity(right, right.base * left)
    raise _mismatch("*", left, right)


def divide(runtime: Runtime, left: Any, right: Any) -> Any:
    """Divide truly: the result of two numbers is a float."""
    divisor = right.base if isinstance(right, Quantity) else right
    if _number(divisor) and divisor == 0:
        raise LanguageError("DivisionByZero", "division by zero")
    if _number(left) and _number(right):
        return checked(left / right)
    if isinstance(left, Quantity) and _number(right):
        return _of_quantity(left, left.base / right)
    if isinstance(left, Quantity) and type(left) is type(right):
        return left.base / right.base
    raise _mismatch("/", left, right)


def remainder(runtime: Runtime, left: Any, right: Any) -> Any:
    """Return the remainder with the sign of the dividend."""
    if not _number(left) or not _number(right):
        raise _mismatch("%", left, right)
    if right == 0:
        raise LanguageError("DivisionByZero", "division by zero")
    if type(left) is int and type(right) is int:
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return math.fmod(left, right)


def negate(value: Any) -> Any:
    """Return the negative of a number, duration or size."""
    if _number(value):
        return checked(-value)
    if isinstance(value, Quantity):
        return type(value)(-value.base, value.unit)
    raise LanguageError("TypeMismatch", f"`-` does not work on {type_name(value)}")


def _comparable(left: Any, right: Any, operator: str) -> tuple[Any, Any]:
    if _number(left) and _number(right):
        return left, right
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    if isinstance(left, Quantity) and type(left) is type(right):
        return left.base, right.base
    raise _mismatch(operator, left, right)


def less(runtime: Runtime, left: Any, right: Any) -> Any:
    """Compare numbers, texts, or values of one dimension."""
    a, b = _comparable(left, right, "<")
    return a < b


def greater(runtime: Runtime, left: Any, right: Any) -> Any:
    """Compare as `less` does."""
    a, b = _comparable(left, right, ">")
    return a > b


def at_most(runtime: Runtime, left: Any, right: Any) -> Any:
    """Compare as `less` does."""
    a, b = _comparable(left, right, "<=")
    return a <= b


def at_least(runtime: Runtime, left: Any, right: Any) -> Any:
    """Compare as `less` does."""
    a, b = _comparable(left, right, ">=")
    return a >= b


def same(runtime: Runtime, left: Any, right: Any) -> Any:
    """Compare by structure."""
    return equals(left, right, runtime)


def different(runtime: Runtime, left: Any, right: Any) -> Any:
    """Compare by structure."""
    return not equals(left, right, runtime)


def contains(runtime: Runtime, item: Any, place: Any) -> bool:
    """Tell whether an item is in a list, a key in a map, a text in a text."""
    if isinstance(place, list):
        runtime.work(len(place))
        for other in place:  # noqa: SIM110  # no C frames between the program's own calls
            if equals(item, other, runtime):
                return True
        return False
    if isinstance(place, dict):
        return isinstance(item, str) and item in place
    if isinstance(place, str) and isinstance(item, str):
        runtime.work(len(place) >> 6)
        return item in place
    raise _mismatch("in", item, place)


ARITHMETIC: dict[str, _Operator] = {"+": add, "-": subtract, "*": multiply, "/": divide, "%": remainder}
COMPARISON: dict[str, _Operator] = {
    "==": same,
    "!=": different,
    "<": less,
    ">": greater,
    "<=": at_most,
    ">=": at_least,
    "in": contains,
}
