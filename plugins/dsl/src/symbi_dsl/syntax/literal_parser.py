"""Literals and keys, and what to say where no expression stands."""

from __future__ import annotations

import re
from typing import NoReturn

from symbi_dsl.syntax.cursor import Cursor
from symbi_dsl.syntax.expressions import Literal, Vault
from symbi_dsl.syntax.hints import quoted
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.strings import string_value
from symbi_dsl.syntax.units import quantity

__all__ = ["LiteralParser"]

_INT_MAX = 2**63 - 1
_UNIT = re.compile(r"\.?[A-Za-z]+$")


class LiteralParser(Cursor):
    """Adds literals to the cursor."""

    def number(self, *, negative_from: int | None = None) -> Literal:
        """Parse a number, with the minus sign that stands at `negative_from`."""
        at = self.pos
        text = self.text[at].replace("_", "")
        start = self.start[at] if negative_from is None else negative_from
        self.pos = at + 1
        self.height = 1
        if "." in text:
            number = float(text)
            return Literal(number if negative_from is None else -number, start, self.end[at])
        value = int(text)
        if value > _INT_MAX + (negative_from is not None):
            self.problems.add("E106", "the number does not fit in 64 bits", start, self.end[at], hint="write `1.0…`")
            value = 0
        return Literal(value if negative_from is None else -value, start, self.end[at])

    def quantity(self) -> Node:
        """Parse a duration or size."""
        at = self.pos
        self.pos = at + 1
        text = self.text[at].replace("_", "")
        unit = _UNIT.search(text)
        digits = text[: unit.start()] if unit else text
        return Literal(quantity(digits, unit[0] if unit else ""), self.start[at], self.end[at])

    def vault(self) -> Node:
        """Parse a reference to a secret."""
        at = self.pos
        self.pos = at + 1
        return Vault(self.text[at], self.start[at], self.end[at])

    def _key(self, seen: set[str]) -> str:
        at = self.pos
        if self.kind[at] == "str":
            key = string_value(self.text[at], self.start[at], self.problems)
        elif self.kind[at] == "id":
            key = self.text[at]
        else:
            self.expected("a key or '}'")
        if key in seen:
            self.problems.add("E402", f"key {quoted(key)} is given twice", self.start[at], self.end[at])
        seen.add(key)
        self.pos = at + 1
        return key

    def _lambda_params(self) -> list[str] | None:
        """Return the names of `(a, b) =>` if that stands here, consuming the parentheses."""
        kinds, at = self.kind, self.pos + 1
        names: list[str] = []
        while kinds[at] == "id":
            names.append(self.text[at])
            at += 1
            if kinds[at] != ",":
                break
            at += 1
        if kinds[at] != ")" or kinds[at + 1] != "=>":
            return None
        self.pos = at
        return names

    def _bound(self, entries: int) -> None:
        if entries >= self.limits.entries:
            self.fail("E005", f"more than {self.limits.entries} entries")

    def _no_expression(self, kind: str) -> NoReturn:
        if kind == "." and self.peek() == "num":
            self.fail("E200", "a number begins with a digit", hint=f"write `0.{self.text[self.pos + 1]}`")
        before = self.kind[self.pos - 1] if self.pos else ""
        if kind in ("<", ">") and before == kind:
            self.fail("E205", f"there is no operator `{kind}{kind}`", hint="there are no bitwise operators")
        if kind == "+" and before == "+":
            self.fail("E205", "there is no operator `++`", hint="write `x += 1`")
        if kind == "*" and before == "*":
            self.fail("E205", "there is no operator `**`", hint="multiply")
        if kind == "=" and before in ("==", "!="):
            self.fail("E205", f"there is no operator `{before}=`", hint=f"write `{before}`")
        self.expected("an expression")
