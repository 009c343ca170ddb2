"""Nodes of items: what stands at the top of a text or in an agent."""

from __future__ import annotations

from typing import Any

from symbi_dsl.syntax.node import Node

__all__ = [
    "Agent",
    "AgentProp",
    "Behavior",
    "Declaration",
    "File",
    "Function",
    "Metadata",
    "Param",
    "Policy",
    "Prop",
    "Props",
    "Rule",
    "Struct",
    "TypeDef",
    "TypeRef",
    "With",
]


class TypeRef(Node):
    """A type: a name and its arguments."""

    __slots__ = ("args", "name")

    def __init__(self, name: Any, args: Any, start: int, end: int) -> None:
        self.name = name
        self.args = args
        self.start = start
        self.end = end


class Prop(Node):
    """One property; `value` is an expression node or `Props`."""

    __slots__ = ("key", "key_end", "value")

    def __init__(self, key: Any, value: Any, key_end: Any, start: int, end: int) -> None:
        self.key = key
        self.value = value
        self.key_end = key_end
        self.start = start
        self.end = end


class Props(Node):
    """Properties in braces."""

    __slots__ = ("entries",)

    def __init__(self, entries: Any, start: int, end: int) -> None:
        self.entries = entries
        self.start = start
        self.end = end


class Param(Node):
    """A parameter or a field."""

    __slots__ = ("default", "name", "type")

    def __init__(self, name: Any, type: Any, default: Any, start: int, end: int) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.start = start
        self.end = end


class Rule(Node):
    """`allow`, `deny`, `require` or `audit`."""

    __slots__ = ("config", "effect", "guard", "target")

    def __init__(self, effect: Any, target: Any, guard: Any, config: Any, start: int, end: int) -> None:
        self.effect = effect
        self.target = target
        self.guard = guard
        self.config = config
        self.start = start
        self.end = end


class Policy(Node):
    """A named policy block."""

    __slots__ = ("name", "rules")

    def __init__(self, name: Any, rules: Any, start: int, end: int) -> None:
        self.name = name
        self.rules = rules
        self.start = start
        self.end = end


class Metadata(Node):
    """A metadata block."""

    __slots__ = ("props",)

    def __init__(self, props: Any, start: int, end: int) -> None:
        self.props = props
        self.start = start
        self.end = end


class With(Node):
    """A `with` block: its attributes and its body."""

    __slots__ = ("attributes", "block")

    def __init__(self, attributes: Any, block: Any, start: int, end: int) -> None:
        self.attributes = attributes
        self.block = block
        self.start = start
        self.end = end


class Function(Node):
    """A function."""

    __slots__ = ("block", "name", "names", "params", "returns")
    names: set[str]

    def __init__(self, name: Any, params: Any, returns: Any, block: Any, start: int, end: int) -> None:
        self.name = name
        self.params = params
        self.returns = returns
        self.block = block
        self.start = start
        self.end = end


class Behavior(Node):
    """A behaviour: inputs, outputs and steps."""

    __slots__ = ("block", "inputs", "name", "names", "outputs")
    names: set[str]

    def __init__(self, name: Any, inputs: Any, outputs: Any, block: Any, start: int, end: int) -> None:
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.block = block
        self.start = start
        self.end = end


class Struct(Node):
    """A record type."""

    __slots__ = ("fields", "name")

    def __init__(self, name: Any, fields: Any, start: int, end: int) -> None:
        self.name = name
        self.fields = fields
        self.start = start
        self.end = end


class TypeDef(Node):
    """A type alias or record type: `target` or `fields`."""

    __slots__ = ("fields", "name", "target")

    def __init__(self, name: Any, target: Any, fields: Any, start: int, end: int) -> None:
        self.name = name
        self.target = target
        self.fields = fields
        self.start = start
        self.end = end


class Declaration(Node):
    """A `schedule`, `memory`, `webhook` or `channel` block; `word` says which, `policies` are a channel's."""

    __slots__ = ("name", "policies", "props", "word")

    def __init__(self, word: Any, name: Any, props: Any, policies: Any, start: int, end: int) -> None:
        self.word = word
        self.name = name
        self.props = props
        self.policies = policies
        self.start = start
        self.end = end


class AgentProp(Node):
    """A property of an agent: `word` is its key."""

    __slots__ = ("value", "word")

    def __init__(self, word: Any, value: Any, start: int, end: int) -> None:
        self.word = word
        self.value = value
        self.start = start
        self.end = end


class Agent(Node):
    """An agent: header and items in order."""

    __slots__ = ("items", "name", "names", "params", "returns")
    names: set[str]

    def __init__(self, name: Any, params: Any, returns: Any, items: Any, start: int, end: int) -> None:
        self.name = name
        self.params = params
        self.returns = returns
        self.items = items
        self.start = start
        self.end = end


class File(Node):
    """Everything in a text, in order."""

    __slots__ = ("items",)

    def __init__(self, items: Any, start: int, end: int) -> None:
        self.items = items
        self.start = start
        self.end = end
