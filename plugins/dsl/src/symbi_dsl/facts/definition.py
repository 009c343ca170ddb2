"""A whole text as facts: parse, read every block, check what holds between them (spec `dsl.md` §9)."""

from __future__ import annotations

import hashlib
from typing import Any

from symbi.contracts.definitions import (
    ChannelSpec,
    Diagnostic,
    FunctionSpec,
    MemorySpec,
    ParsedDefinition,
    ScheduleSpec,
    WebhookSpec,
)
from symbi_dsl.collection import no_collection
from symbi_dsl.facts.agents import AgentReader
from symbi_dsl.facts.channels import channel_spec
from symbi_dsl.facts.memories import memory_spec
from symbi_dsl.facts.metadata import MetadataFacts
from symbi_dsl.facts.policies import policy_spec
from symbi_dsl.facts.references import Declared, check_agent, check_calls, check_names, check_unused, collect
from symbi_dsl.facts.schedules import schedule_spec
from symbi_dsl.facts.scope import Scope
from symbi_dsl.facts.types import TypeTable, type_text
from symbi_dsl.facts.webhooks import webhook_spec
from symbi_dsl.limits import DEFAULT_LIMITS, Limits
from symbi_dsl.syntax.items import Agent, Declaration, File, Function, Metadata, Policy
from symbi_dsl.syntax.parser import Parser, parse_tree
from symbi_dsl.syntax.problems import Problems
from symbi_dsl.syntax.source import Source

__all__ = ["parse_definition"]


def parse_definition(
    text: str | bytes, *, path: str = "", agents: frozenset[str] | None = None, limits: Limits = DEFAULT_LIMITS
) -> ParsedDefinition:
    """Return what a text says and what is wrong with it; never raises on bad text."""
    if isinstance(text, bytes):
        if len(text) > limits.source:
            return _refused(path, "E001", f"more than the {limits.source} bytes that are read")
        try:
            decoded = text.decode("utf-8")
        except UnicodeDecodeError as error:
            return _not_utf8(path, text, error.start)
        text = decoded
    text = text.removeprefix("\ufeff")
    if len(text) > limits.source:
        return _refused(path, "E001", f"more than the {limits.source} characters that are read")
    source = Source(text, path)
    problems = Problems(limits.errors)
    with no_collection(len(text)):
        tree, parser = parse_tree(text, problems=problems, limits=limits)
        return _Assembly(source, problems, agents, tree, parser).result()


class _Assembly:
    """The facts of one tree."""

    def __init__(
        self, source: Source, problems: Problems, agents: frozenset[str] | None, tree: File, parser: Parser
    ) -> None:
        self.scope = Scope(source, problems, agents=agents)
        self.tree = tree
        self.parser = parser
        self.declared: Declared = collect(tree)
        self.metadata = MetadataFacts(self.scope, [item for item in tree.items if isinstance(item, Metadata)])
        self.types = TypeTable(self.scope, self.declared.types)
        self.digest = hashlib.sha256(source.text.encode("utf-8", "replace")).hexdigest()
        self.names = {agent.name for agent in self.declared.agents}
        self.seen: dict[tuple[str, str], Declaration] = {}
        self.paths: dict[str, Declaration] = {}

    def result(self) -> ParsedDefinition:
        """Return everything."""
        scope, declared = self.scope, self.declared
        shared = tuple(policy_spec(scope, item) for item in self.tree.items if isinstance(item, Policy))
        reader = AgentReader(
            scope, self.tree, types=self.types, metadata=self.metadata, shared=shared, digest=self.digest
        )
        agents = tuple(reader.read(agent) for agent in declared.agents)
        check_names(scope, declared, self.metadata)
        check_calls(scope, self.parser.calls, declared)
        entries = {agent.program.entry_name for agent in agents if agent.program is not None} | {"main"}
        check_unused(scope, declared, self.parser.names, entries)
        schedules = tuple(self._schedule(node, agent) for node, agent in self._blocks("schedule"))
        channels = tuple(self._channel(node, agent) for node, agent in self._blocks("channel"))
        webhooks = tuple(self._webhook(node, agent) for node, agent in self._blocks("webhook"))
        memories = tuple(self._memory(node, agent) for node, agent in self._blocks("memory"))
        self._advise()
        return ParsedDefinition(
            path=scope.source.path,
            agents=agents,
            metadata=self.metadata.values,
            policies=shared,
            schedules=schedules,
            channels=channels,
            webhooks=webhooks,
            memories=memories,
            functions=self._functions(),
            types=self.types.specs(),
            digest=self.digest,
            diagnostics=scope.problems.diagnostics(scope.source),
        )

    # ---- blocks --------------------------------------------------------------------------------------------------
    def _blocks(self, word: str) -> list[tuple[Declaration, Agent | None]]:
        return [(node, agent) for node, agent in self.declared.blocks if node.word == word]

    def _key(self, word: str, agent: Agent | None) -> str:
        return f"{word}:{agent.name}/{{name}}" if agent is not None else f"{word}:{{name}}"

    def _once(self, word: str, name: str, node: Declaration) -> None:
        first = self.seen.setdefault((word, name), node)
        if first is not node:
            related = (("first declared here", first.start),)
            message = f"{word} '{name}' is declared twice"
            self.scope.problems.add("E401", message, node.start, node.start + len(word), related=related)

    def _schedule(self, node: Declaration, agent: Agent | None) -> ScheduleSpec:
        spec = schedule_spec(self.scope, node, agent=_name(agent), key=self._key("schedule", agent))
        self._once("schedule", spec.name, node)
        check_agent(self.scope, spec.agent, node, f"schedule '{spec.name}'", self.names)
        return spec

    def _channel(self, node: Declaration, agent: Agent | None) -> ChannelSpec:
        spec = channel_spec(self.scope, node, agent=_name(agent), key=self._key("channel", agent))
        self._once("channel", spec.name, node)
        check_agent(self.scope, spec.default_agent, node, f"channel '{spec.name}'", self.names)
        return spec

    def _webhook(self, node: Declaration, agent: Agent | None) -> WebhookSpec:
        spec = webhook_spec(self.scope, node, agent=_name(agent), key=self._key("webhook", agent))
        self._once("webhook", spec.name, node)
        first = self.paths.setdefault(spec.path, node)
        if spec.path and first is not node:
            related = (("first used here", first.start),)
            message = f"webhook '{spec.name}': path '{spec.path[:60]}' is used twice"
            self.scope.problems.add("E410", message, node.start, node.start + len("webhook"), related=related)
        check_agent(self.scope, spec.agent, node, f"webhook '{spec.name}'", self.names)
        return spec

    def _memory(self, node: Declaration, agent: Agent | None) -> MemorySpec:
        spec = memory_spec(self.scope, node, agent=_name(agent), key=self._key("memory", agent))
        self._once("memory", spec.name, node)
        return spec

    def _functions(self) -> tuple[FunctionSpec, ...]:
        found = []
        for node, agent in self.declared.functions:
            plain = isinstance(node, Function)
            found.append(
                FunctionSpec(
                    name=node.name,
                    kind="function" if plain else "behavior",
                    line=self.scope.line(node),
                    agent=_name(agent),
                    parameters=self.types.parameters(node.params if isinstance(node, Function) else node.inputs),
                    returns=type_text(node.returns) if isinstance(node, Function) else None,
                )
            )
        return tuple(found)

    # ---- advice --------------------------------------------------------------------------------------------------
    def _advise(self) -> None:
        """Warn of what a good definition has and this one has not."""
        problems = self.scope.problems
        if not self.tree.items:
            if not problems.errors:
                problems.add("W300", "the definition is empty", 0, 0, hint="add `agent name { … }`")
            return
        agents = self.declared.agents
        if agents:
            self._advise_metadata(agents)
        shared = any(agent is None for _, agent in self.declared.policies)
        for agent in agents:
            if not shared and not any(isinstance(item, Policy) for item in agent.items):
                end = agent.start + len("agent ") + len(agent.name)
                message = f"agent '{agent.name}' has no policy"
                problems.add("W306", message, agent.start, end, hint="only the global policy decides what it may do")

    def _advise_metadata(self, agents: list[Agent]) -> None:
        for key in ("version", "description"):
            said = self.metadata.text(key) is not None
            for agent in agents:
                said = said or any(getattr(item, "word", None) == key for item in agent.items)
            if not said:
                message = f"no '{key}' in the metadata"
                self.scope.problems.add("W304", message, 0, 0, hint=f'add `metadata {{ {key} = "…" }}`')


def _name(agent: Agent | None) -> str | None:
    return None if agent is None else str(agent.name)


def _refused(path: str, code: str, message: str, **place: Any) -> ParsedDefinition:
    where = {"line": 1, "column": 1, "end_line": 1, "end_column": 1, **place}
    return ParsedDefinition(path=path, diagnostics=(Diagnostic(severity="error", code=code, message=message, **where),))


def _not_utf8(path: str, text: bytes, at: int) -> ParsedDefinition:
    before = text[:at]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    found = f"byte 0x{text[at]:02X} is not UTF-8"
    place = {"line": line, "column": column, "end_line": line, "end_column": column + 1}
    return _refused(path, "E107", found, hint="save the file as UTF-8", **place)
