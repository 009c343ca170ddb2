"""The agent: header, items, and going on after an error inside it (spec `dsl.md` §4, §10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NoReturn

from symbi_dsl.syntax.hints import close_match, quoted
from symbi_dsl.syntax.item_parser import ItemParser
from symbi_dsl.syntax.items import Agent, AgentProp
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.problems import SyntaxProblem

__all__ = ["AgentParser"]

_FACTS = frozenset(
    {
        "name",
        "version",
        "author",
        "description",
        "model",
        "system_prompt",
        "executor",
        "tools",
        "memory",
        "privacy",
    }
)
_SECTIONS = frozenset({"resources", "security", "policies"})
_STATEMENTS = frozenset(
    {"let", "if", "for", "while", "match", "try", "return", "break", "continue", "require", "check"}
)


class AgentParser(ItemParser):
    """Adds the agent to the items."""

    source_text = ""

    def agent(self) -> Node:
        """Parse `agent name(…) -> T { … }`."""
        start = self.start[self.pos]
        self.pos += 1
        name = self.name("the name of the agent")
        outer, self.names = self.names, set()
        params = self.params() if self.kind[self.pos] == "(" else []
        returns = self.type() if self.accept("->") else None
        opener = self.expect("{", "'{'")
        self.enter()
        depth = self.depth
        items: list[Node] = []
        while self.kind[self.pos] != "}":
            if self.kind[self.pos] == "end":
                self.unclosed(opener, "}")
            at = self.pos
            try:
                items.append(self._agent_item())
            except SyntaxProblem as error:
                if not self._resume(error, at, depth):
                    raise
        self.pos += 1
        self.depth -= 1
        node = Agent(name, params, returns, items, start, self.last_end())
        self.leave(outer, node)
        return node

    def _agent_item(self) -> Node:
        word = self.word()
        if word is None:
            self.fail("E203", f"expected something that an agent declares, found {self.found()}")
        if word == "capabilities" and self.peek() in ("=", ":"):
            self.pos += 2
            if self.kind[self.pos] != "[":
                self.expected("'[' and the capabilities")
            return self._fact(word, self.pos - 2, self.array())
        if word in _FACTS and self.peek() in ("=", ":"):
            at = self.pos
            self.pos += 2
            return self._fact(word, at, self.property_value(word, at))
        if word in _SECTIONS and self.peek() == "{":
            at = self.pos
            self.pos += 1
            return self._fact(word, at, self.props())
        parse = self._NESTED.get(word)
        if parse is not None:
            return parse(self)
        return self._unknown_agent_item(word)

    def _fact(self, word: str, at: int, value: Node) -> AgentProp:
        end = self.last_end()
        self.accept(",", ";")
        return AgentProp(word, value, self.start[at], end)

    def _unknown_agent_item(self, word: str) -> NoReturn:
        after = self.peek()
        if word in _STATEMENTS or after in ("(", ".", "+=", "-=", "["):
            self.fail(
                "E204",
                "a statement can not stand directly in an agent",
                hint="put it in a `with { … }` block",
            )
        if word in ("agent", "metadata", "type", "struct"):
            self.fail(
                "E203", f"{quoted(word)} can not stand inside an agent", hint="close the agent before it with `}`"
            )
        known = [*_FACTS, *_SECTIONS, *self._NESTED, "capabilities"]
        near = close_match(word, known)
        hint = f"did you mean `{near}`?" if near else "an agent declares " + ", ".join(sorted(known))
        if after in ("=", ":") and near is None:
            hint = "put it in `metadata { … }`, or if it is a statement in a `with { … }` block"
        self.fail("E203", f"an agent has no {quoted(word)}", hint=hint)

    def _resume(self, error: SyntaxProblem, item_at: int, depth: int) -> bool:
        """Note the error and go to the agent's next item; False when there is none or too much is wrong."""
        if error.problem.code == "E005" or self.problems.full:
            return False
        at = self._next_agent_item(item_at)
        if at is None:
            return False
        self.keep(error.problem)
        self.pos = at
        self.depth, self.height, self.loops, self.condition = depth, 1, 0, False
        return True

    def _next_agent_item(self, item_at: int) -> int | None:
        kinds = self.kind
        if not self.line_follows():
            return None
        level = 0
        for at in range(item_at, len(kinds) - 1):
            kind = kinds[at]
            if kind == "{":
                level += 1
            elif kind == "}":
                level -= 1
                if level < 0:
                    return at if at > item_at else None
            elif level == 0 and kind == "id" and at > max(item_at, self.pos - 1) and self.newline[at]:
                word = self.text[at]
                if word in ("agent", "metadata"):
                    return None
                if word in _FACTS or word in _SECTIONS or word in self._NESTED or word == "capabilities":
                    return at
        return None

    _NESTED: ClassVar[dict[str, Callable[[AgentParser], Node]]] = {
        "policy": ItemParser.policy,
        "function": ItemParser.function,
        "fn": ItemParser.function,
        "with": ItemParser.with_block,
        "behavior": ItemParser.behavior,
        "schedule": ItemParser.declaration,
        "memory": ItemParser.declaration,
        "webhook": ItemParser.declaration,
        "channel": ItemParser.channel,
    }
