"""The pure built-in functions (spec `dsl.md` §7.4, §7.5)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Any

import msgspec

from symbi_dsl.interpreter.errors import LanguageError
from symbi_dsl.interpreter.methods import METHODS, sort_values
from symbi_dsl.interpreter.operators import add, checked, less
from symbi_dsl.interpreter.runtime import Runtime
from symbi_dsl.interpreter.values import DEPTH, ErrorValue, Secret, from_json, text_of, to_json, type_name
from symbi_dsl.syntax.units import Duration

__all__ = ["PURE_CALLS"]

_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


def _length(runtime: Runtime, value: Any) -> Any:
    if not isinstance(value, str | list | dict):
        raise LanguageError("TypeMismatch", f"a {type_name(value)} has no length")
    return len(value)


def _method(name: str) -> Callable[..., Any]:
    def call(runtime: Runtime, value: Any) -> Any:
        method = METHODS.get((type_name(value), name))
        if method is None:
            raise LanguageError("TypeMismatch", f"`{name}` does not work on {type_name(value)}")
        return method(runtime, value)

    return call


def _format(runtime: Runtime, template: Any, *values: Any) -> Any:
    """Fill `{}` from left to right in one pass, so that what is filled in is never read again."""
    if not isinstance(template, str):
        raise LanguageError("TypeMismatch", "the template must be a string")
    parts = template.split("{}")
    if len(parts) - 1 != len(values):
        raise LanguageError("TypeMismatch", f"the template has {len(parts) - 1} places for {len(values)} values")
    shown = [text_of(value, most=runtime.limits.max_text) for value in values]
    runtime.text(len(template) + sum(map(len, shown)))
    return "".join(part + (shown[index] if index < len(shown) else "") for index, part in enumerate(parts))


def _parse_json(runtime: Runtime, text: Any) -> Any:
    if not isinstance(text, str):
        raise LanguageError("TypeMismatch", "parse_json takes a string")
    runtime.spend(len(text))
    if _nesting(text) > DEPTH:
        raise LanguageError("TooDeep", f"the JSON is nested more than {DEPTH} levels deep")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise LanguageError("ParseError", f"not JSON: {str(error)[:200]}") from None
    return from_json(value)


def _nesting(text: str) -> int:
    """Return how deep brackets are nested outside strings, so that no decoder has to find out by its stack."""
    if text.count("[") + text.count("{") <= DEPTH:
        return 0
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            deepest = max(depth, deepest)
        elif mark in "]}":
            depth -= 1
    return deepest


def _to_json(runtime: Runtime, value: Any) -> Any:
    text = msgspec.json.encode(to_json(value)).decode()
    runtime.text(len(text))
    return text


def _int(runtime: Runtime, value: Any) -> Any:
    try:
        if isinstance(value, str) and len(value) > 40:
            raise ValueError
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return checked(int(value))
    except (ValueError, OverflowError):
        raise LanguageError("ParseError", f"{type_name(value)} can not be read as a whole number") from None


def _float(runtime: Runtime, value: Any) -> Any:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return checked(float(value))
    except ValueError:
        raise LanguageError("ParseError", f"{type_name(value)} can not be read as a number") from None


def _range(runtime: Runtime, first: Any, second: Any = None, step: Any = 1) -> Any:
    start, end = (0, first) if second is None else (first, second)
    if type(start) is not int or type(end) is not int or type(step) is not int or step == 0:
        raise LanguageError("TypeMismatch", "range takes whole numbers, and a step that is not 0")
    numbers = range(start, end, step)
    count = max(0, (end - start + step - (1 if step > 0 else -1)) // step)
    runtime.items(count)
    return list(numbers)


def _extreme(pick_less: bool) -> Callable[..., Any]:
    def call(runtime: Runtime, *values: Any) -> Any:
        items = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
        if not items:
            raise LanguageError("OutOfRange", "there is nothing to choose from")
        runtime.work(len(items))
        best = items[0]
        for item in items[1:]:
            if less(runtime, item, best) if pick_less else less(runtime, best, item):
                best = item
        return best

    return call


def _sum(runtime: Runtime, values: Any) -> Any:
    if not isinstance(values, list):
        raise LanguageError("TypeMismatch", "sum takes a list")
    runtime.work(len(values))
    total: Any = 0
    for index, value in enumerate(values):
        total = add(runtime, total, value) if index else value
    return total


def _abs(runtime: Runtime, value: Any) -> Any:
    if type(value) not in (int, float):
        raise LanguageError("TypeMismatch", f"`abs` does not work on {type_name(value)}")
    return checked(abs(value))


def _round(runtime: Runtime, value: Any, digits: Any = None) -> Any:
    if type(value) not in (int, float) or (digits is not None and type(digits) is not int):
        raise LanguageError("TypeMismatch", "round takes a number and how many digits to keep")
    return checked(round(value) if digits is None else round(value, max(-20, min(digits, 20))))


def _time_since(runtime: Runtime, moment: Any) -> Any:
    now = time()
    if isinstance(moment, str) and len(moment) <= 40:
        try:
            then = datetime.fromisoformat(moment)
        except ValueError:
            raise LanguageError("ParseError", "not an ISO 8601 time") from None
        seconds = now - (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
    elif type(moment) in (int, float):
        seconds = now - moment / 1000
    else:
        raise LanguageError("TypeMismatch", "time_since takes what `now()` gave, or an ISO 8601 time")
    return Duration(round(seconds * 1_000_000), "s")


def _bytes(value: Any, what: str) -> bytes:
    if isinstance(value, Secret):
        raise LanguageError("SecretValue", f"{what} is a secret, which only the runtime can read")
    if not isinstance(value, str):
        raise LanguageError("TypeMismatch", f"{what} must be a string")
    return value.encode("utf-8", "surrogatepass")


def _sha256(runtime: Runtime, value: Any) -> Any:
    data = _bytes(value, "what is hashed")
    runtime.spend(len(data))
    return hashlib.sha256(data).hexdigest()


def _verify_hmac(runtime: Runtime, message: Any, signature: Any, key: Any) -> Any:
    data = _bytes(message, "the message")
    runtime.spend(len(data))
    wanted = hmac.new(_bytes(key, "the key"), data, "sha256").hexdigest()
    given = _bytes(signature, "the signature").decode("utf-8", "replace").removeprefix("sha256=")
    return hmac.compare_digest(wanted.encode(), given.lower().encode())


def _error(runtime: Runtime, message: Any, details: Any = None) -> Any:
    return ErrorValue(text_of(message), details)


def _same(runtime: Runtime, value: Any) -> Any:
    return value


def _type_of(runtime: Runtime, value: Any) -> Any:
    return type_name(value)


PURE_CALLS: dict[str, Callable[..., Any]] = {
    "len": _length,
    "length": _length,
    "upper": _method("upper"),
    "lower": _method("lower"),
    "format": _format,
    "parse_json": _parse_json,
    "to_json": _to_json,
    "to_string": _method("to_string"),
    "int": _int,
    "float": _float,
    "range": _range,
    "min": _extreme(True),
    "max": _extreme(False),
    "sum": _sum,
    "abs": _abs,
    "round": _round,
    "sort": sort_values,
    "type_of": _type_of,
    "time_since": _time_since,
    "hash_sha256": _sha256,
    "verify_hmac_sha256": _verify_hmac,
    "error": _error,
    "Some": _same,
    "Ok": _same,
    "Err": _error,
}
