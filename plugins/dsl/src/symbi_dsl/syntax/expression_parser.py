"""Expressions: one loop over operators with a stack of its own, so that depth is bounded by nesting alone (`dsl.md` §4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from symbi_dsl.syntax.cursor import RESERVED
from symbi_dsl.syntax.expressions import (
    Array,
    Binary,
    Call,
    If,
    Index,
    Lambda,
    Literal,
    Member,
    Name,
    Record,
    StructLiteral,
    Unary,
)
from symbi_dsl.syntax.hints import quoted
from symbi_dsl.syntax.literal_parser import LiteralParser
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.strings import string_value

__all__ = ["ExpressionParser"]

_POWER = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
_IN_POWER = 3
_WORD_VALUES: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class ExpressionParser(LiteralParser, ABC):
    """Parses expressions; a tree taller than the bound is refused while it is built."""

    @abstractmethod
    def block(self) -> Node:
        """Parse a block; statements know how."""

    def expression(self) -> Node:
        """Parse one expression."""
        kinds, texts = self.kind, self.text
        stack: list[tuple[int, str, Node, int]] = []
        while True:
            node = self._operand()
            mark = kinds[self.pos]
            power = _POWER.get(mark, 0)
            if mark == "id" and texts[self.pos] == "in":
                mark, power = "in", _IN_POWER
            while stack and stack[-1][0] >= power:
                _, operator, left, height = stack.pop()
                self.grow((height if height > self.height else self.height) + 1)
                node = Binary(operator, left, node, left.start, node.end)
            if not power:
                return node
            self.pos += 1
            stack.append((power, mark, node, self.height))

    def condition_expression(self) -> Node:
        """Parse an expression at whose top level `{` opens the block that follows."""
        saved, self.condition = self.condition, True
        node = self.expression()
        self.condition = saved
        return node

    def inner_expression(self) -> Node:
        """Parse an expression inside brackets, where a record may stand again."""
        saved, self.condition = self.condition, False
        node = self.expression()
        self.condition = saved
        return node

    # ---- operands ------------------------------------------------------------------------------------------------
    def _operand(self) -> Node:
        kind = self.kind[self.pos]
        if kind == "-" or kind == "!" or (kind == "id" and self.text[self.pos] == "not"):
            return self._prefixed()
        return self._postfix(self._primary())

    def _prefixed(self) -> Node:
        prefixes: list[tuple[str, int]] = []
        while True:
            kind = self.kind[self.pos]
            if kind == "id" and self.text[self.pos] == "not":
                kind = "!"
            elif kind not in ("-", "!"):
                break
            prefixes.append((kind, self.start[self.pos]))
            self.pos += 1
        if prefixes[-1][0] == "-" and self.kind[self.pos] == "num":
            _, start = prefixes.pop()
            operand = self._postfix(self.number(negative_from=start))
        else:
            operand = self._postfix(self._primary())
        for operator, start in reversed(prefixes):
            self.grow(self.height + 1)
            operand = Unary(operator, operand, start, operand.end)
        return operand

    def _postfix(self, node: Node) -> Node:
        kinds = self.kind
        while True:
            kind = kinds[self.pos]
            if kind == ".":
                self.pos += 1
                if kinds[self.pos] != "id":
                    hint = "there are no ranges" if kinds[self.pos] == "." else None
                    self.fail("E200", f"expected a name after '.', found {self.found()}", hint=hint)
                node = Member(node, self.text[self.pos], node.start, self.end[self.pos])
                self.pos += 1
                self.grow(self.height + 1)
            elif kind == "(" and not self.newline[self.pos]:
                node = self._call(node)
            elif kind == "[" and not self.newline[self.pos]:
                node = self._index(node)
            else:
                return node

    def _index(self, target: Node) -> Node:
        height, opener = self.height, self.pos
        self.pos += 1
        self.enter()
        index = self.inner_expression()
        self.close(opener, "]")
        self.depth -= 1
        self.grow(max(height, self.height) + 1)
        return Index(target, index, target.start, self.last_end())

    def _call(self, target: Node) -> Node:
        height, opener = self.height, self.pos
        self.pos += 1
        self.enter()
        args: list[Node] = []
        named: list[tuple[str, Node]] = []
        seen: set[str] = set()
        saved, self.condition = self.condition, False
        while self.kind[self.pos] != ")":
            if self.kind[self.pos] == "id" and self.kind[self.pos + 1] in ("=", ":"):
                name = self.text[self.pos]
                if name in seen:
                    self.problems.add(
                        "E402", f"argument {quoted(name)} is given twice", self.start[self.pos], self.end[self.pos]
                    )
                self.pos += 2
                seen.add(name)
                named.append((name, self.expression()))
            else:
                args.append(self.expression())
            height = max(height, self.height)
            if not self.accept(","):
                break
            self._bound(len(args) + len(named))
        self.condition = saved
        self.close(opener, ")")
        self.depth -= 1
        self.grow(height + 1)
        call = Call(target, args, named, target.start, self.last_end())
        self.calls.append(call)
        return call

    # ---- primaries -----------------------------------------------------------------------------------------------
    def _primary(self) -> Node:
        at = self.pos
        kind = self.kind[at]
        self.height = 1
        if kind == "id":
            return self._word()
        if kind == "str":
            self.pos = at + 1
            value = string_value(self.text[at], self.start[at], self.problems)
            return Literal(value, self.start[at], self.end[at])
        parse = self._PRIMARIES.get(kind)
        if parse is None:
            self._no_expression(kind)
        return parse(self)

    def _word(self) -> Node:
        at = self.pos
        text = self.text[at]
        start, end = self.start[at], self.end[at]
        following = self.kind[at + 1]
        if following == "=>":
            return self._lambda([text], at)
        if text in _WORD_VALUES:
            self.pos = at + 1
            return Literal(_WORD_VALUES[text], start, end)
        if text == "if":
            return self.conditional(value=True)
        if text == "in":
            self.fail("E200", f"expected an expression, found {quoted(text)}")
        self.pos = at + 1
        if following == "{" and not self.condition and not self.newline[at + 1] and self._starts_record(at + 1):
            record = self.record()
            self.names.add(text)
            return StructLiteral(text, record.pairs, start, record.end)
        self.names.add(text)
        return Name(text, start, end)

    def _starts_record(self, brace: int) -> bool:
        inside = self.kind[brace + 1]
        return inside == "}" or (inside in ("id", "str") and self.kind[brace + 2] == ":")

    def array(self) -> Array:
        """Parse `[ … ]`."""
        opener = self.pos
        self.pos += 1
        self.enter()
        items: list[Node] = []
        height = 0
        saved, self.condition = self.condition, False
        while self.kind[self.pos] != "]":
            items.append(self.expression())
            height = max(height, self.height)
            if not self.accept(","):
                break
            self._bound(len(items))
        self.condition = saved
        if self.kind[self.pos] in ("=", ":"):
            self.fail("E205", "an array holds values, not pairs", hint="use a record: `{ name: value }`")
        self.close(opener, "]")
        self.depth -= 1
        self.grow(height + 1)
        return Array(items, self.start[opener], self.last_end())

    def record(self) -> Record:
        """Parse `{ key: value … }`."""
        if self.condition:
            self.fail("E200", "a record can not stand in a condition", hint="put it in parentheses")
        opener = self.pos
        self.pos += 1
        self.enter()
        pairs: list[tuple[str, Node]] = []
        seen: set[str] = set()
        height = 0
        while self.kind[self.pos] != "}":
            if self.kind[self.pos] == "end":
                self.unclosed(opener, "}")
            key = self._key(seen)
            if not self.accept(":", "="):
                self.expected("':' after the key")
            pairs.append((key, self.expression()))
            height = max(height, self.height)
            self.accept(",", ";")
            self._bound(len(pairs))
        self.pos += 1
        self.depth -= 1
        self.grow(height + 1)
        return Record(pairs, self.start[opener], self.last_end())

    def _parenthesised(self) -> Node:
        params = self._lambda_params()
        if params is not None:
            return self._lambda(params, self.pos)
        opener = self.pos
        self.pos += 1
        self.enter()
        saved, self.condition = self.condition, False
        node = self.expression()
        self.condition = saved
        self.close(opener, ")")
        self.depth -= 1
        node.start, node.end = self.start[opener], self.last_end()
        return node

    def _lambda(self, params: list[str], at: int) -> Node:
        start = self.start[at]
        for name in params:
            if name in RESERVED:
                self.fail("E200", f"{quoted(name)} can not be used as a name", at=at)
        if len(set(params)) != len(params):
            self.problems.add("E402", "two parameters have the same name", start, self.end[at])
        self.pos += 2
        self.enter()
        loops, self.loops = self.loops, 0
        body = self.expression()
        self.loops = loops
        self.depth -= 1
        self.grow(self.height + 1)
        return Lambda(params, body, start, body.end)

    def conditional(self, *, value: bool) -> If:
        """Parse `if … { … } else …`; as an expression (`value`) it must have an `else`."""
        start = self.start[self.pos]
        arms: list[tuple[Node | None, Node, Node]] = []
        otherwise: Node | None = None
        height = 0
        while True:
            self.pos += 1
            pattern = None if value else self.let_pattern()
            condition = self.condition_expression()
            height = max(height, self.height)
            arms.append((pattern, condition, self.block()))
            height = max(height, self.height)
            if self.word() != "else":
                if value:
                    self.fail("E200", "an `if` that gives a value needs an `else`", hint="add `else { … }`")
                break
            self.pos += 1
            if self.word() != "if":
                otherwise = self.block()
                height = max(height, self.height)
                break
        self.grow(height + 1)
        return If(arms, otherwise, start, self.last_end())

    def let_pattern(self) -> Node | None:
        """Parse the `let pattern =` of an `if let`; statements know how."""
        return None

    def _number(self) -> Node:
        return self.number()

    _PRIMARIES: ClassVar[dict[str, Callable[[ExpressionParser], Node]]] = {
        "num": _number,
        "(": _parenthesised,
        "[": array,
        "{": record,
        "dur": LiteralParser.quantity,
        "size": LiteralParser.quantity,
        "vault": LiteralParser.vault,
    }
