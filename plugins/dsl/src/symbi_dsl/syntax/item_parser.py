"""Items: what stands at the top of a text (spec `dsl.md` §4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from symbi_dsl.syntax.hints import quoted, word_hint
from symbi_dsl.syntax.items import (
    Behavior,
    Declaration,
    Function,
    Metadata,
    Param,
    Policy,
    Prop,
    Props,
    Rule,
    Struct,
    TypeDef,
    With,
)
from symbi_dsl.syntax.node import Node
from symbi_dsl.syntax.property_parser import PropertyParser
from symbi_dsl.syntax.statements import Block

__all__ = ["ItemParser"]

_EFFECTS = ("allow", "deny", "require", "audit")


class ItemParser(PropertyParser):
    """Adds all items but the agent."""

    def metadata(self) -> Node:
        """Parse `metadata { … }`."""
        start = self.start[self.pos]
        self.pos += 1
        props = self.props()
        return Metadata(props, start, props.end)

    def policy(self) -> Node:
        """Parse `policy name { rules }`."""
        start = self.start[self.pos]
        self.pos += 1
        name = self.name("the name of the policy")
        opener = self.expect("{", "'{' and the rules")
        self.enter()
        rules: list[Rule] = []
        while self.kind[self.pos] != "}":
            rules.append(self._rule(opener))
            self._bound(len(rules))
        self.pos += 1
        self.depth -= 1
        return Policy(name, rules, start, self.last_end())

    def _rule(self, opener: int) -> Rule:
        at = self.pos
        effect = self.text[at] if self.kind[at] == "id" else ""
        if effect not in _EFFECTS:
            if self.kind[at] != "id":
                self.unclosed(opener, "}")
            advice = None if self.newline[at] else word_hint(self.text[at])
            hint = advice or "a rule begins with `allow:`, `deny:`, `require:` or `audit:`"
            self.fail("E200", f"expected a rule, found {self.found()}", hint=hint)
        self.pos += 1
        if self.kind[self.pos] != ":":
            self.expected(f"':' after {quoted(effect)}")
        self.pos += 1
        target = self.expression()
        config = guard = None
        if effect == "audit" and self.word() == "with":
            self.problems.add("W308", "`audit … with` is read as the options of the record", target.start, target.end)
            self.pos += 1
            config = self.expression()
        if self.word() == "if":
            self.pos += 1
            guard = self.expression()
        end = self.last_end()
        self.accept(",", ";")
        return Rule(effect, target, guard, config, self.start[at], end)

    def typedef(self) -> Node:
        """Parse `type Name = …`."""
        start = self.start[self.pos]
        self.pos += 1
        name = self.name("the name of the type")
        self.expect("=", "'='")
        target = fields = None
        if self.kind[self.pos] == "{":
            fields = self.fields()
        else:
            target = self.type()
        end = self.last_end()
        self.accept(";")
        return TypeDef(name, target, fields, start, end)

    def struct(self) -> Node:
        """Parse `struct Name { … }`."""
        start = self.start[self.pos]
        self.pos += 1
        name = self.name("the name of the struct")
        return Struct(name, self.fields(), start, self.last_end())

    def function(self) -> Node:
        """Parse `function name(…) -> T { … }`."""
        start = self.start[self.pos]
        self.pos += 1
        name = self.name("the name of the function")
        if self.kind[self.pos] != "(":
            self.expected("'(' and the parameters")
        outer, self.names = self.names, set()
        params = self.params()
        returns = self.type() if self.accept("->") else None
        block = self._body()
        node = Function(name, params, returns, block, start, block.end)
        self.leave(outer, node)
        return node

    def _body(self) -> Block:
        loops, self.loops = self.loops, 0
        block = self.block()
        self.loops = loops
        return block

    def behavior(self) -> Node:
        """Parse `behavior name { input { … } output { … } steps { … } }`."""
        at = self.pos
        self.pos += 1
        name = self.name("the name of the behavior")
        opener = self.expect("{", "'{'")
        outer, self.names = self.names, set()
        self.enter()
        sections: dict[str, list[Param]] = {}
        steps: Block | None = None
        while self.kind[self.pos] != "}":
            section = self.word()
            if section is None:
                self.unclosed(opener, "}")
            if section not in ("input", "output", "steps"):
                self.fail("E200", f"expected 'input', 'output' or 'steps', found {self.found()}")
            if section in sections or (section == "steps" and steps is not None):
                self.fail("E402", f"{quoted(section)} is given twice")
            self.pos += 1
            if section == "steps":
                steps = self._body()
            else:
                sections[section] = self.param_block()
        self.pos += 1
        self.depth -= 1
        if steps is None:
            self.fail("E200", f"behavior {quoted(name)} has no steps", at=at + 1, hint="add `steps { … }`")
        inputs, outputs = sections.get("input", []), sections.get("output", [])
        node = Behavior(name, inputs, outputs, steps, self.start[at], self.last_end())
        self.leave(outer, node)
        return node

    def declaration(self) -> Node:
        """Parse a `schedule`, `memory` or `webhook` block."""
        at = self.pos
        word = self.text[at]
        self.pos += 1
        name = self.name("a name") if self.kind[self.pos] == "id" else None
        if self.kind[self.pos] != "{":
            self.expected("'{'")
        props = self.props()
        return Declaration(word, name, props, [], self.start[at], props.end)

    def channel(self) -> Node:
        """Parse a `channel` block, which may hold policies."""
        at = self.pos
        self.pos += 1
        name = self.name("the name of the channel")
        opener = self.expect("{", "'{'")
        self.enter()
        entries: list[Prop] = []
        policies: list[Node] = []
        while self.kind[self.pos] != "}":
            if self.word() == "policy" and self.peek() == "id" and self.peek(2) == "{":
                policies.append(self.policy())
            else:
                entries.append(self.prop(opener))
            self._bound(len(entries) + len(policies))
        self.pos += 1
        self.depth -= 1
        props = Props(entries, self.start[opener], self.last_end())
        return Declaration("channel", name, props, policies, self.start[at], props.end)

    def with_block(self) -> Node:
        """Parse `with key = value, … { … }`."""
        at = self.pos
        self.pos += 1
        attributes: list[Prop] = []
        while self.kind[self.pos] != "{":
            if self.kind[self.pos] != "id":
                self.expected("an attribute or '{'")
            key_at = self.pos
            key = self.text[key_at]
            self.pos += 1
            if not self.accept("=", ":"):
                self.expected(f"'=' after {quoted(key)}")
            value = self.property_value(key, key_at)
            attributes.append(Prop(key, value, self.end[key_at], self.start[key_at], self.last_end()))
            self.accept(",")
            self._bound(len(attributes))
        block = self._body()
        return With(attributes, block, self.start[at], block.end)

    ITEMS: ClassVar[dict[str, Callable[[ItemParser], Node]]] = {
        "metadata": metadata,
        "policy": policy,
        "type": typedef,
        "struct": struct,
        "function": function,
        "fn": function,
        "behavior": behavior,
        "schedule": declaration,
        "memory": declaration,
        "webhook": declaration,
        "channel": channel,
    }
