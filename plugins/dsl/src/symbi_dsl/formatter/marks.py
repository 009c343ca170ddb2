"""What the tree says about the layout: where lines begin, what stays on one line, what is inserted or left out."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Any

from symbi_dsl.syntax.expressions import Array, If
from symbi_dsl.syntax.items import (
    Agent,
    AgentProp,
    Behavior,
    Declaration,
    File,
    Function,
    Metadata,
    Policy,
    Prop,
    Props,
    Struct,
    TypeDef,
    TypeRef,
    With,
)
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.parser import Parser
from symbi_dsl.syntax.statements import (
    Assign,
    Block,
    Check,
    ExprStatement,
    Jump,
    Let,
    Match,
    RequireCapability,
    Return,
    Try,
)
from symbi_dsl.syntax.walk import walk

__all__ = ["BLANK", "BREAK", "CLOSE", "JOIN", "Marks"]

BREAK, BLANK, CLOSE, JOIN = "break", "blank", "close", "join"
"""Before a token: a new line, a blank line, a new line without a blank one, no new line."""
_SHORT = 60
_ENDED = (Let, Assign, Return, Jump, Check, RequireCapability)


class Marks:
    """Marks by the offset at which a token starts (or, for `insert`, ends)."""

    def __init__(self, text: str, tree: File, parser: Parser) -> None:
        self.text = text
        self.parser = parser
        self.index = {start: at for at, start in enumerate(parser.start)}
        self.comments = parser.tokens.comments
        self.weights = [0, *accumulate(0 if word in (";", ",") else len(word) for word in parser.text)]
        self.force: dict[int, str] = {}
        self.insert: dict[int, str] = {}
        self.drop: set[int] = set()
        self.rename: dict[int, str] = {}
        self.begins: set[int] = set()
        self.blocks: set[int] = set()
        self.types: list[tuple[int, int]] = []
        for number, item in enumerate(tree.items):
            self._begin(item.start, BLANK if number else BREAK)
        for node in walk(tree):
            visit = _VISITS.get(type(node))
            if visit is not None:
                visit(self, node)

    # ---- helpers -------------------------------------------------------------------------------------------------
    def _begin(self, start: int, force: str) -> None:
        self.begins.add(start)
        self.force[start] = force

    def _one_line(self, start: int, end: int) -> bool:
        return "\n" not in self.text[start:end]

    def _weight(self, start: int, end: int) -> int:
        """Return how much is written between two places, whatever its layout."""
        return self.weights[bisect_left(self.parser.start, end)] - self.weights[bisect_left(self.parser.start, start)]

    def _has_comment(self, start: int, end: int) -> bool:
        at = bisect_left(self.comments, (start, 0))
        return at < len(self.comments) and self.comments[at][0] < end

    def _join(self, start: int, end: int) -> None:
        """Keep the tokens after the one at `start` on its line, unless a comment stands between them."""
        if self._has_comment(start, end):
            return
        at = self.index[start] + 1
        while self.parser.start[at] < end:
            self.force[self.parser.start[at]] = JOIN
            at += 1

    def _opener(self, brace: int) -> None:
        """Put an opening brace on the line of what it opens."""
        at = self.index.get(brace)
        if at and not self._has_comment(self.parser.end[at - 1], brace):
            self.force.setdefault(brace, JOIN)

    def _next_text(self, end: int) -> tuple[str, int]:
        """Return the token after the one that ends at `end`."""
        at = bisect_left(self.parser.start, end)
        return self.parser.text[at], self.parser.start[at]

    def _brace_before(self, start: int) -> int:
        return self.parser.start[bisect_left(self.parser.start, start) - 1]

    # ---- items ---------------------------------------------------------------------------------------------------
    def _agent(self, node: Agent) -> None:
        header = node.returns or (node.params[-1] if node.params else None)
        at = bisect_left(self.parser.start, header.end) if header is not None else self.index[node.start]
        while self.parser.kind[at] != "{":
            at += 1
        brace = self.parser.start[at]
        self._join(node.start, brace)
        self._opener(brace)
        second = self.index[node.start] + 2
        kinds = self.parser.kind
        starts, ends = self.parser.start, self.parser.end
        empty = kinds[second] == "(" and kinds[second + 1] == ")"
        if empty and not self._has_comment(starts[second], ends[second + 1]):
            self.drop |= {starts[second], starts[second + 1]}
        before: Node | None = None
        for item in node.items:
            both = isinstance(before, AgentProp) and isinstance(item, AgentProp)
            self._begin(item.start, CLOSE if before is None else BREAK if both else BLANK)
            before = item
        self.force[node.end - 1] = CLOSE

    def _agent_prop(self, node: AgentProp) -> None:
        if node.word == "capabilities" and isinstance(node.value, Array):
            self._join(node.start, node.end)
        elif isinstance(node.value, Props):
            self._props(node.value, always=True)

    def _with(self, node: With) -> None:
        self._join(node.start, node.block.start)
        if not node.block.statements:
            self.force[node.block.end - 1] = CLOSE

    def _metadata(self, node: Metadata) -> None:
        self._props(node.props, always=True)
        for entry in node.props.entries:
            after, start = self._next_text(entry.end)
            if after == ";":
                self.rename[start] = ","
            elif after != ",":
                self.insert[entry.end] = ","

    def _declaration(self, node: Declaration) -> None:
        self._props(node.props, always=True)
        for policy in node.policies:
            self._begin(policy.start, BREAK)

    def _props(self, node: Props, *, always: bool = False) -> None:
        self._opener(node.start)
        if node.end - 1 in self.force:
            return
        self.blocks.add(node.start)
        if not node.entries and not self._has_comment(node.start, node.end):
            return
        if always or not self._one_line(node.start, node.end):
            for number, entry in enumerate(node.entries):
                self._begin(entry.start, BREAK if number else CLOSE)
            self.force[node.end - 1] = CLOSE

    def _prop(self, node: Prop) -> None:
        if isinstance(node.value, Props):
            self._props(node.value)

    def _policy(self, node: Policy) -> None:
        if node.rules:
            self._opener(self._brace_before(node.rules[0].start))
            for number, rule in enumerate(node.rules):
                self._begin(rule.start, BREAK if number else CLOSE)
            self.force[node.end - 1] = CLOSE

    def _function(self, node: Function) -> None:
        if self.parser.text[self.index[node.start]] == "fn":
            self.rename[node.start] = "function"

    def _fields(self, node: Struct | TypeDef) -> None:
        fields = node.fields
        if fields and not self._one_line(node.start, node.end):
            self._opener(self._brace_before(fields[0].start))
            for number, field in enumerate(fields):
                self._begin(field.start, BREAK if number else CLOSE)
            if self.text[node.end - 1] == "}":
                self.force[node.end - 1] = CLOSE

    def _behavior(self, node: Behavior) -> None:
        self.force[node.end - 1] = CLOSE
        for at in range(self.index[node.start], len(self.parser.start)):
            if self.parser.start[at] >= node.end:
                break
            word = self.parser.text[at] in ("input", "output", "steps")
            if word and self.parser.kind[at + 1] == "{" and not self._within(node, self.parser.start[at]):
                self._begin(self.parser.start[at], BREAK)

    def _within(self, node: Behavior, start: int) -> bool:
        inner = [*node.inputs, *node.outputs, node.block]
        return any(part.start <= start < part.end for part in inner)

    def _type(self, node: TypeRef) -> None:
        if node.args:
            self.types.append((node.start, node.end))

    # ---- statements ----------------------------------------------------------------------------------------------
    def _block(self, node: Block) -> None:
        self._opener(node.start)
        self.blocks.add(node.start)
        count = len(node.statements)
        short = self._short(node)
        for number, item in enumerate(node.statements):
            self.begins.add(item.start)
            if not short:
                self._begin(item.start, BREAK if number else CLOSE)
            self._end_statement(item, last=number == count - 1)
        if not short:
            self.force[node.end - 1] = CLOSE

    def _short(self, node: Block) -> bool:
        """Tell whether a block stays on the line that its author gave it: nothing in it needs more than one line."""
        small = len(node.statements) <= 1 and self._one_line(node.start, node.end)
        if not small or self._weight(node.start, node.end) > _SHORT:
            return False
        inner = (part for item in node.statements for part in walk(item))
        return not any(
            (isinstance(part, Block) and len(part.statements) > 1) or (isinstance(part, Match) and len(part.arms) > 1)
            for part in inner
        )

    def _end_statement(self, item: Node, *, last: bool) -> None:
        loose = isinstance(item, ExprStatement) and not item.closed and not last
        if (isinstance(item, _ENDED) or loose) and self._next_text(item.end)[0] != ";":
            self.insert[item.end] = ";"

    def _match(self, node: Match) -> None:
        if node.arms:
            self._opener(self._brace_before(node.arms[0][0].start))
            self.blocks.add(self._brace_before(node.arms[0][0].start))
        if len(node.arms) > 1 or not self._one_line(node.start, node.end):
            for number, (pattern, _) in enumerate(node.arms):
                self._begin(pattern.start, BREAK if number else CLOSE)
            self.force[node.end - 1] = CLOSE

    def _follow(self, block: Any) -> None:
        """Keep `else` and `catch` on the line of the brace before them."""
        after, start = self._next_text(block.end)
        if after in ("else", "catch") and not self._has_comment(block.end, start):
            self.force[start] = JOIN

    def _if(self, node: If) -> None:
        for number, (_, _, block) in enumerate(node.arms):
            if number < len(node.arms) - 1 or node.otherwise is not None:
                self._follow(block)

    def _try(self, node: Try) -> None:
        for number, block in enumerate([node.block, *(handler[2] for handler in node.handlers)]):
            if number < len(node.handlers):
                self._follow(block)


_VISITS: dict[type[Node], Any] = {
    Agent: Marks._agent,
    AgentProp: Marks._agent_prop,
    With: Marks._with,
    Metadata: Marks._metadata,
    Declaration: Marks._declaration,
    Prop: Marks._prop,
    Policy: Marks._policy,
    Function: Marks._function,
    Struct: Marks._fields,
    TypeDef: Marks._fields,
    Behavior: Marks._behavior,
    TypeRef: Marks._type,
    Block: Marks._block,
    Match: Marks._match,
    If: Marks._if,
    Try: Marks._try,
}
