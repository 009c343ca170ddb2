"""The parser: a whole text to a tree, going on after an error at the next item (spec `dsl.md` §4, §10)."""

from __future__ import annotations

from typing import NoReturn

from symbi_dsl.limits import Limits
from symbi_dsl.syntax.agent_parser import AgentParser
from symbi_dsl.syntax.hints import REJECTED_ITEMS, close_match, quoted
from symbi_dsl.syntax.items import File
from symbi_dsl.syntax.lexer import tokenize
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.problems import Problems, SyntaxProblem

__all__ = ["Parser", "parse_tree"]

_STATEMENT_WORDS = frozenset({"let", "if", "for", "while", "match", "try", "return", "break", "continue", "check"})


class Parser(AgentParser):
    """Parses a whole text."""

    def file(self) -> File:
        """Parse every item; what can not be read is reported and skipped."""
        items: list[Node] = []
        while self.kind[self.pos] != "end" and not self.problems.full:
            at = self.pos
            try:
                items.append(self._item())
                if len(items) > self.limits.items:
                    self.fail("E005", f"more than {self.limits.items} items")
            except RecursionError:
                self.problems.add("E002", "nested too deeply", self.start[at], self.end[at])
                break
            except SyntaxProblem as error:
                self._complain(error, at)
                if error.problem.code == "E005":
                    break
        return File(items, 0, self.end[-1])

    def _item(self) -> Node:
        at = self.pos
        if self.kind[at] == "id":
            word = self.text[at]
            if word == "agent":
                return self.agent()
            parse = self.ITEMS.get(word)
            if parse is not None:
                return parse(self)
            return self._unknown_item(word)
        if self.kind[at] == "}":
            self.fail("E203", "'}' closes nothing", hint="remove it")
        return self.fail("E203", f"expected an item such as `agent`, found {self.found()}")

    def _unknown_item(self, word: str) -> NoReturn:
        if word in REJECTED_ITEMS:
            self.fail("E203", f"there is no {quoted(word)} here", hint=REJECTED_ITEMS[word])
        if word in _STATEMENT_WORDS or self.peek() in ("(", "=", "."):
            self.fail(
                "E204",
                "a statement can not stand at the top of a definition",
                hint="put it in a `with { … }` block of an agent, or in a function",
            )
        near = close_match(word, ["agent", *self.ITEMS])
        hint = f"did you mean `{near}`?" if near else "items are agent, " + ", ".join(sorted(self.ITEMS))
        self.fail("E203", f"expected an item, found {quoted(word)}", hint=hint)

    def _complain(self, error: SyntaxProblem, item_at: int) -> None:
        self.keep(error.problem)
        self.condition, self.loops, self.depth, self.height = False, 0, 0, 1
        self.pos = self._next_item(item_at)

    def _next_item(self, item_at: int) -> int:
        """Return where parsing may go on: the next item at the depth of the broken one, else one at the line's start."""
        kinds, starts, end = self.kind, self.start, len(self.kind) - 1
        if not self.line_follows():
            return end
        depth = 0
        fallback = end
        for at in range(item_at, end):
            kind = kinds[at]
            if kind == "{":
                depth += 1
            elif kind == "}":
                depth -= 1
            if at <= max(self.pos, item_at) or kind != "id" or not self._begins_item(at):
                continue
            if depth <= 0:
                return at
            if fallback == end and starts[at] == self.line_start(at):
                fallback = at
        return fallback

    def _begins_item(self, at: int) -> bool:
        return self.newline[at] and (self.text[at] == "agent" or self.text[at] in self.ITEMS)

    def line_start(self, at: int) -> int:
        """Return the offset at which the line of a token begins."""
        return self.source_text.rfind("\n", 0, self.start[at]) + 1


def parse_tree(text: str, *, problems: Problems, limits: Limits) -> tuple[File, Parser]:
    """Return the tree of `text` and the parser, which still knows the tokens; errors go to `problems`."""
    tokens = tokenize(text, problems=problems, limits=limits)
    parser = Parser(tokens, problems=problems, limits=limits)
    parser.source_text = text
    tree = parser.file()
    if parser.unterminated:
        first = parser.unterminated[0]
        more = len(parser.unterminated) - 1
        note = f" (and {more} more like it)" if more else ""
        problems.add(
            "W309", f"statement without `;`{note}", parser.start[first], parser.end[first], hint="`symbi fmt` adds it"
        )
    return tree, parser
