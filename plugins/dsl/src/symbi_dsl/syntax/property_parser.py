"""Properties: the one syntax of every declarative block (spec `dsl.md` §4, `props`)."""

from __future__ import annotations

from typing import NoReturn

from symbi_dsl.syntax.expressions import Literal, Member, Name
from symbi_dsl.syntax.hints import quoted
from symbi_dsl.syntax.items import Prop, Props
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.statement_parser import StatementParser
from symbi_dsl.syntax.strings import string_value

__all__ = ["PropertyParser"]


class PropertyParser(StatementParser):
    """Adds properties to statements."""

    def props(self) -> Props:
        """Parse `{ key: value … }`."""
        opener = self.expect("{", "'{'")
        self.enter()
        entries: list[Prop] = []
        while self.kind[self.pos] != "}":
            entries.append(self.prop(opener))
            self._bound(len(entries))
        self.pos += 1
        self.depth -= 1
        return Props(entries, self.start[opener], self.last_end())

    def prop(self, opener: int) -> Prop:
        """Parse one property of the block that began at `opener`."""
        at = self.pos
        key = self._prop_key(opener)
        start, key_end = self.start[at], self.end[at]
        value: Node
        if self.accept("=", ":"):
            value = self.property_value(key, at)
        elif self.kind[self.pos] == "{":
            value = self.props()
        else:
            if self.newline[self.pos] and self.kind[self.pos] == "id":
                self.missing(key, at)
            value = self.property_value(key, at)
        end = self.last_end()
        self.accept(",", ";")
        return Prop(key, value, key_end, start, end)

    def _prop_key(self, opener: int) -> str:
        kind, text = self.kind[self.pos], self.text[self.pos]
        if kind == "id":
            self.pos += 1
            return text
        if kind == "str":
            self.pos += 1
            return string_value(text, self.start[self.pos - 1], self.problems)
        return self.unclosed(opener, "}")

    def property_value(self, key: str, key_at: int) -> Node:
        """Parse the value of a property whose key stands at token `key_at`."""
        at = self.pos
        kind = self.kind[at]
        if kind in ("id", "str") and self.newline[at] and self.peek() in ("=", ":", "{"):
            self.missing(key, key_at)
        if kind == "id":
            return self._name_value()
        if kind == "-" and self.peek() == "num":
            self.pos += 1
            return self.number(negative_from=self.start[at])
        if kind in ("str", "num", "dur", "size", "vault"):
            return self._primary()
        if kind == "[":
            return self.array()
        if kind == "{":
            return self.props()
        if kind in ("}", ",", ";", "end"):
            self.missing(key, key_at)
        return self.expected(f"a value for {quoted(key)}")

    def missing(self, key: str, key_at: int) -> NoReturn:
        """Complain of a key without a value."""
        self.fail("E201", f"missing value for {quoted(key)}", at=key_at, hint=f"write `{key}: …`")

    def _name_value(self) -> Node:
        at = self.pos
        text = self.text[at]
        if text in ("true", "false", "null"):
            self.pos = at + 1
            return Literal({"true": True, "false": False, "null": None}[text], self.start[at], self.end[at])
        self.pos = at + 1
        node: Node = Name(text, self.start[at], self.end[at])
        while self.kind[self.pos] == ".":
            self.pos += 1
            part = self.expect("id", "a name after '.'")
            node = Member(node, self.text[part], node.start, self.end[part])
        return node
