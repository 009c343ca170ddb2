"""The parser's place in the tokens, and how it complains."""

from __future__ import annotations

from typing import Any, NoReturn

from symbi_dsl.limits import Limits
from symbi_dsl.syntax.hints import quoted, word_hint
from symbi_dsl.syntax.lexer import Tokens
from symbi_dsl.syntax.problems import Problem, Problems, SyntaxProblem

__all__ = ["RESERVED", "Cursor"]

_CLOSERS = {"{": "}", "(": ")", "[": "]"}
RESERVED = frozenset({"true", "false", "null"})


class Cursor:
    """Token lists, the position in them, and the bounds: nesting is counted, `height` is that of the last node made."""

    def __init__(self, tokens: Tokens, *, problems: Problems, limits: Limits) -> None:
        self.tokens = tokens
        self.kind = tokens.kind
        self.text = tokens.text
        self.start = tokens.start
        self.end = tokens.end
        self.newline = tokens.newline
        self.problems = problems
        self.limits = limits
        self.pos = 0
        self.depth = 0
        self.height = 1
        self.loops = 0
        self.condition = False
        self.unterminated: list[int] = []
        self.names: set[str] = set()
        self.calls: list[Any] = []

    # ---- looking -------------------------------------------------------------------------------------------------
    def word(self, ahead: int = 0) -> str | None:
        """Return the word that stands `ahead` tokens from here, or None if it is no word."""
        at = self.pos + ahead
        if at < len(self.kind) and self.kind[at] == "id":
            return self.text[at]
        return None

    def peek(self, ahead: int = 1) -> str:
        """Return the kind of the token `ahead` of this one."""
        at = self.pos + ahead
        return self.kind[at] if at < len(self.kind) else "end"

    def last_end(self) -> int:
        """Return the offset at which the last consumed token ends."""
        return self.end[self.pos - 1] if self.pos else 0

    # ---- taking --------------------------------------------------------------------------------------------------
    def expect(self, kind: str, what: str) -> int:
        """Consume a token of this kind and return its index; complain that `what` was expected otherwise."""
        at = self.pos
        if self.kind[at] != kind:
            self.expected(what)
        self.pos = at + 1
        return at

    def accept(self, *kinds: str) -> bool:
        """Consume the next token if it is of one of these kinds."""
        if self.kind[self.pos] in kinds:
            self.pos += 1
            return True
        return False

    def name(self, what: str) -> str:
        """Consume a name and return it."""
        at = self.pos
        if self.kind[at] != "id":
            self.expected(what)
        text = self.text[at]
        if text in RESERVED:
            self.fail("E200", f"{quoted(text)} can not be used as a name", hint="choose another name")
        self.pos = at + 1
        return text

    def close(self, opener: int, closer: str) -> None:
        """Consume the closing bracket that belongs to the token `opener`."""
        if self.kind[self.pos] != closer:
            self.unclosed(opener, closer)
        self.pos += 1

    def enter(self) -> None:
        """Count one level of nesting."""
        self.depth += 1
        if self.depth > self.limits.nesting:
            self.fail(
                "E002", f"nested more than {self.limits.nesting} levels deep", hint="take parts out into functions"
            )

    def leave(self, outer: set[str], node: Any) -> None:
        """Give a node the names that its text uses, and add them to those of what is around it."""
        node.names = self.names
        outer |= self.names
        self.names = outer

    def grow(self, height: int) -> None:
        """Set the height of the node just made, and refuse a tree that is too tall."""
        self.height = height
        if height > self.limits.height:
            self.fail(
                "E003",
                f"expression of more than {self.limits.height} chained operations",
                hint="break it up with `let`",
            )

    # ---- complaining ---------------------------------------------------------------------------------------------
    def fail(
        self,
        code: str,
        message: str,
        *,
        at: int | None = None,
        hint: str | None = None,
        related: tuple[tuple[str, int], ...] = (),
    ) -> NoReturn:
        """Raise a problem at a token."""
        index = min(self.pos if at is None else at, len(self.kind) - 1)
        raise SyntaxProblem(Problem(code, message, self.start[index], self.end[index], hint, related))

    def keep(self, problem: Problem) -> None:
        """Report a problem, unless it only follows from the text having been cut off by one already reported."""
        if not (self.tokens.broken and problem.start >= self.end[-1]):
            self.problems.keep(problem)

    def found(self) -> str:
        """Say what stands here."""
        kind, text = self.kind[self.pos], self.text[self.pos]
        if kind == "end":
            return "the end of the text"
        return {"str": "a string", "vault": "a vault reference"}.get(kind) or quoted(text)

    def line_follows(self) -> bool:
        """Tell whether any token after this one begins a line."""
        try:
            self.newline.index(True, self.pos + 1, len(self.newline) - 1)
        except ValueError:
            return False
        return True

    def expected(self, what: str) -> NoReturn:
        """Complain that `what` should stand here."""
        kind, text = self.kind[self.pos], self.text[self.pos]
        hint = word_hint(text) if kind == "id" else None
        self._no_operator()
        if kind == "-" and self.pos and self.end[self.pos - 1] == self.start[self.pos] and what != "an expression":
            hint = "names have no `-`; write `_`"
        self.fail("E200", f"expected {what}, found {self.found()}", hint=hint)

    def unclosed(self, opener: int, closer: str) -> NoReturn:
        """Complain that a bracket is not closed, here or at all."""
        mark = self.text[opener]
        related = ((f"{quoted(mark)} opened here", self.start[opener]),)
        if self.kind[self.pos] == "end":
            self.fail("E202", f"{quoted(mark)} is never closed", hint=f"add `{closer}`", related=related)
        text = self.text[self.pos]
        self._no_operator()
        hint = word_hint(text) if self.kind[self.pos] == "id" else None
        self.fail("E200", f"expected {quoted(closer)}, found {self.found()}", hint=hint, related=related)

    def _no_operator(self) -> None:
        """Complain of a word that is an operator in other languages."""
        text = self.text[self.pos]
        if self.kind[self.pos] == "id" and text in ("and", "or"):
            self.fail("E205", f"{quoted(text)} is not an operator", hint=word_hint(text))
