"""Hiding known values: whatever text a value could come back in, it is replaced before anybody keeps or shows it (SEC-4)."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from symbi.contracts.secret import Secret

__all__ = ["Veil", "hidden_text", "hiding"]

MASK = "***"
_LEAST = 4
_LEAST_PART = 12
_DEPTH = 200


class Veil:
    """Knows values and the forms they may return in: as they are, escaped, URL-encoded, in base64 or hex, line by line."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: Secret) -> None:
        """Hide this value from now on; one of fewer than 4 characters cannot be hidden and is refused (`ValueError`)."""
        value = secret.reveal()
        if len(value.strip()) < _LEAST:
            raise ValueError("a value of fewer than 4 characters cannot be hidden")
        self._forms |= _forms(value)
        # Longest first: a form may begin with another one.
        self._pattern = re.compile("|".join(re.escape(form) for form in sorted(self._forms, key=len, reverse=True)))

    def text(self, text: str) -> str:
        """Return the text with `***` where a value was."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def over(self, value: Any, *, depth: int = _DEPTH) -> Any:
        """Return a JSON value with `***` where a value was, names of fields and numbers included."""
        if self._pattern is None or value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float):
            return MASK if self._pattern.search(repr(value)) else value
        if depth <= 0:
            return MASK
        if isinstance(value, dict):
            return {self.over(str(name)): self.over(each, depth=depth - 1) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.over(each, depth=depth - 1) for each in value]
        return self.text(str(value))


_veil: ContextVar[Veil | None] = ContextVar("symbi_veil", default=None)


@contextmanager
def hiding(veil: Veil) -> Iterator[None]:
    """Have `mask_text` (and with it logs, audit, journal) hide the veil's values in this task and those it starts."""
    token = _veil.set(veil)
    try:
        yield
    finally:
        _veil.reset(token)


def hidden_text(text: str) -> str:
    """Return the text without the values that are hidden in this task."""
    veil = _veil.get()
    return text if veil is None else veil.text(text)


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    plain = {value, value.strip(), *(line.strip() for line in value.splitlines() if len(line.strip()) >= _LEAST_PART)}
    forms = set(plain)
    for each in plain:
        for ascii_only in (True, False):
            once = json.dumps(each, ensure_ascii=ascii_only)[1:-1]
            forms |= {once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]}
        data = each.encode("utf-8", "surrogatepass")
        forms |= {repr(each)[1:-1], repr(data)[2:-1], html.escape(each), html.escape(each, quote=False)}
        forms |= {urllib.parse.quote(data), urllib.parse.quote(data, safe=""), urllib.parse.quote_plus(data)}
    forms |= {raw.hex(), raw.hex().upper(), *_base64_forms(raw)}
    return {form for form in forms if len(form) >= _LEAST}


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Yield what of the value is the same in base64 wherever in a longer text it begins (`user:password`)."""
    for before, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        part = encoded[first : (before + len(raw)) * 8 // 6]
        if len(part) >= _LEAST_PART:
            yield part
            yield part.translate(str.maketrans("+/", "-_"))
    whole = base64.b64encode(raw).decode()
    yield from (whole, whole.translate(str.maketrans("+/", "-_")))
