"""Statements, blocks and patterns (spec `dsl.md` §4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NoReturn

from symbi_dsl.syntax.cursor import RESERVED
from symbi_dsl.syntax.expressions import Index, Literal, Member, Name
from symbi_dsl.syntax.hints import quoted, word_hint
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.statements import (
    Assign,
    BindPattern,
    Block,
    CasePattern,
    Check,
    ExprStatement,
    For,
    Jump,
    Let,
    LiteralPattern,
    Match,
    RequireCapability,
    Return,
    Try,
    While,
)
from symbi_dsl.syntax.strings import string_value
from symbi_dsl.syntax.type_parser import TypeParser

__all__ = ["StatementParser"]

_ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%="})
_ENDS = frozenset({";", "}", "end"})


class StatementParser(TypeParser):
    """Adds statements to expressions."""

    def block(self) -> Block:
        """Parse `{ statements }`."""
        opener = self.expect("{", "'{'")
        self.enter()
        saved, self.condition = self.condition, False
        statements: list[Node] = []
        height = 1
        while self.kind[self.pos] != "}":
            if self.kind[self.pos] == "end":
                self.unclosed(opener, "}")
            node = self.statement()
            if node is not None:
                statements.append(node)
                if self.height > height:
                    height = self.height
        self.pos += 1
        self.condition = saved
        self.depth -= 1
        self.grow(height + 1)
        return Block(statements, self.start[opener], self.last_end())

    def statement(self) -> Node | None:
        """Parse one statement; a lone `;` gives None."""
        at = self.pos
        kind = self.kind[at]
        if kind == "id":
            parse = self._STATEMENTS.get(self.text[at])
            if parse is not None:
                node = parse(self)
                if node is not None:
                    return node
        elif kind == ";":
            self.pos = at + 1
            return None
        value = self.expression()
        operator = self.kind[self.pos]
        if operator in _ASSIGNMENTS:
            return self._assign(value, operator)
        closed = self._terminate()
        return ExprStatement(value, closed, value.start, value.end)

    def _assign(self, target: Node, operator: str) -> Node:
        if not isinstance(target, Name | Member | Index):
            what = "a value" if isinstance(target, Literal) else "this"
            self.fail("E208", f"{what} can not be assigned to", hint="assign to a name, a field or an element")
        height = self.height
        self.pos += 1
        value = self.expression()
        if self.kind[self.pos] in _ASSIGNMENTS:
            self.fail("E206", "an assignment gives no value", hint="write one assignment per statement")
        end = self.last_end()
        self._terminate()
        self.height = max(height, self.height) + 1
        return Assign(target, operator, value, target.start, end)

    def _terminate(self) -> bool:
        """Consume the end of a statement; tell whether it was a `;`."""
        kind = self.kind[self.pos]
        if kind == ";":
            self.pos += 1
            return True
        if kind == "}" or kind == "end":
            return False
        if self.newline[self.pos]:
            self.unterminated.append(self.pos - 1)
            return False
        return self._not_an_end(kind)

    def _not_an_end(self, kind: str) -> NoReturn:
        text = self.text[self.pos]
        if kind == "id":
            hint = word_hint(text)
            if self.word(-1) == "match":
                hint = "`match` gives its value at the end of a function: put it in one, and call that"
            if text in ("and", "or"):
                self.fail("E205", f"{quoted(text)} is not an operator", hint=hint)
            self.fail("E207", f"expected the end of the statement, found {quoted(text)}", hint=hint or "add `;`")
        if kind == "=>":
            self.fail("E200", "'=>' can not stand here", hint="a lambda is written `name => expression`")
        if kind == "{":
            self.fail("E200", "a block can not stand here", hint="a record with a type's name has `key: value` pairs")
        self.fail("E207", f"expected the end of the statement, found {self.found()}", hint="add `;`")

    # ---- statements by their first word --------------------------------------------------------------------------
    def _let(self) -> Node:
        start = self.start[self.pos]
        self.pos += 1
        name = self.name("a name after 'let'")
        kind = self.type() if self.accept(":") else None
        if self.kind[self.pos] != "=":
            self.expected("'=' and a value")
        self.pos += 1
        value = self.expression()
        if self.kind[self.pos] in _ASSIGNMENTS:
            self.fail("E206", "an assignment gives no value", hint="write one assignment per statement")
        end = self.last_end()
        self._terminate()
        self.height += 1
        return Let(name, kind, value, start, end)

    def _return(self) -> Node:
        start = self.start[self.pos]
        self.pos += 1
        value = None
        self.height = 1
        if self.kind[self.pos] not in _ENDS and not self.newline[self.pos]:
            value = self.expression()
        end = self.last_end()
        self._terminate()
        self.height += 1
        return Return(value, start, end)

    def _jump(self) -> Node:
        at = self.pos
        word = self.text[at]
        self.pos += 1
        if not self.loops:
            self.problems.add("E416", f"{quoted(word)} outside a loop", self.start[at], self.end[at])
        self._terminate()
        self.height = 1
        return Jump(word, self.start[at], self.end[at])

    def _if(self) -> Node:
        return self.conditional(value=False)

    def let_pattern(self) -> Node | None:
        """Parse the `let pattern =` of an `if let`."""
        if self.word() != "let":
            return None
        self.pos += 1
        pattern = self.pattern()
        self.expect("=", "'=' after the pattern")
        return pattern

    def _for(self) -> Node:
        start = self.start[self.pos]
        self.pos += 1
        name = self.name("a name after 'for'")
        if self.word() != "in":
            self.expected("'in'")
        self.pos += 1
        iterable = self.condition_expression()
        height = self.height
        block = self._loop_block()
        self.height = max(height, self.height) + 1
        return For(name, iterable, block, start, self.last_end())

    def _while(self) -> Node:
        start = self.start[self.pos]
        self.pos += 1
        condition = self.condition_expression()
        height = self.height
        block = self._loop_block()
        self.height = max(height, self.height) + 1
        return While(condition, block, start, self.last_end())

    def _loop_block(self) -> Block:
        self.loops += 1
        block = self.block()
        self.loops -= 1
        return block

    def _match(self) -> Node:
        start = self.start[self.pos]
        self.pos += 1
        subject = self.condition_expression()
        height = self.height
        opener = self.expect("{", "'{' and the arms of the match")
        self.enter()
        arms: list[tuple[Node, Node]] = []
        saved, self.condition = self.condition, False
        while self.kind[self.pos] != "}":
            if self.kind[self.pos] == "end":
                self.unclosed(opener, "}")
            pattern = self.pattern()
            self.expect("=>", "'=>' after the pattern")
            arms.append((pattern, self._arm_body()))
            height = max(height, self.height)
            self.accept(",", ";")
            self._bound(len(arms))
        self.pos += 1
        self.condition = saved
        self.depth -= 1
        self.height = height + 1
        return Match(subject, arms, start, self.last_end())

    def _arm_body(self) -> Node:
        if self.kind[self.pos] == "{" and not (self.peek() in ("id", "str") and self.peek(2) == ":"):
            return self.block()
        if self.word() in ("return", "break", "continue"):
            word = self.text[self.pos]
            self.fail("E200", f"{quoted(word)} is a statement", hint=f"write `{{ {word} … }}`")
        return self.expression()

    def _try(self) -> Node:
        start = self.start[self.pos]
        self.pos += 1
        block = self.block()
        height = self.height
        handlers: list[tuple[str | None, str | None, Block]] = []
        while self.word() == "catch":
            self.pos += 1
            kind = name = None
            if self.kind[self.pos] == "(":
                opener = self.pos
                self.pos += 1
                name = self.name("the name of the error")
                if self.kind[self.pos] == "id":
                    kind, name = name, self.name("the name of the error")
                self.close(opener, ")")
            handlers.append((kind, name, self.block()))
            height = max(height, self.height)
        self.height = height + 1
        return Try(block, handlers, start, self.last_end())

    def _require(self) -> Node | None:
        if self.word(1) not in ("capability", "capabilities") or self.newline[self.pos + 1]:
            return None
        if self.peek(2) in _ASSIGNMENTS or self.peek(2) in (".", ";", "}"):
            return None
        start = self.start[self.pos]
        self.pos += 2
        capabilities = self._capability_list()
        end = self.last_end()
        self._terminate()
        self.height = 1
        return RequireCapability(capabilities, start, end)

    def _capability_list(self) -> list[Node]:
        opener = self.pos
        wrapped = self.accept("(")
        if self.kind[self.pos] == "[":
            found = self.array().items
        elif self.kind[self.pos] in ("id", "str"):
            found = [self._primary()]
            while self.kind[self.pos] == "." and self.peek() == "id":
                self.pos += 2
                found = [Member(found[0], self.text[self.pos - 1], found[0].start, self.last_end())]
        else:
            self.expected("a capability")
        if wrapped:
            self.close(opener, ")")
        return list(found)

    def _check(self) -> Node | None:
        if self.peek() != "id" or self.newline[self.pos + 1]:
            return None
        after = self.pos + 2
        if self.kind[after] not in _ENDS and not self.newline[after]:
            return None
        start = self.start[self.pos]
        self.pos += 1
        policy = self.name("the name of a policy")
        end = self.last_end()
        self._terminate()
        self.height = 1
        return Check(policy, start, end)

    _STATEMENTS: ClassVar[dict[str, Callable[[StatementParser], Node | None]]] = {
        "let": _let,
        "return": _return,
        "if": _if,
        "for": _for,
        "while": _while,
        "match": _match,
        "try": _try,
        "break": _jump,
        "continue": _jump,
        "require": _require,
        "check": _check,
    }

    # ---- patterns ------------------------------------------------------------------------------------------------
    def pattern(self) -> Node:
        """Parse one pattern."""
        at = self.pos
        kind = self.kind[at]
        start, end = self.start[at], self.end[at]
        if kind == "str":
            self.pos = at + 1
            return LiteralPattern(string_value(self.text[at], start, self.problems), start, end)
        if kind == "num":
            return self._number_pattern(None)
        if kind == "-" and self.peek() == "num":
            self.pos = at + 1
            return self._number_pattern(start)
        if kind != "id":
            self.expected("a pattern")
        text = self.text[at]
        self.pos = at + 1
        if text in RESERVED:
            return LiteralPattern({"true": True, "false": False, "null": None}[text], start, end)
        if self.kind[self.pos] == "(" and not self.newline[self.pos]:
            return self._case_pattern(text, start)
        return BindPattern(text, start, end)

    def _number_pattern(self, negative_from: int | None) -> Node:
        literal = self.number(negative_from=negative_from)
        return LiteralPattern(literal.value, literal.start, literal.end)

    def _case_pattern(self, name: str, start: int) -> Node:
        opener = self.pos
        self.pos += 1
        self.enter()
        args: list[Node] = []
        while self.kind[self.pos] != ")":
            if self.kind[self.pos] == "end":
                self.unclosed(opener, ")")
            args.append(self.pattern())
            self.accept(",")
            self._bound(len(args))
        self.pos += 1
        self.depth -= 1
        return CasePattern(name, args, start, self.last_end())
