"""Agents: everything that one agent declares, as `AgentSpec` (spec `dsl.md` §5.2-5.5)."""

from __future__ import annotations

import re
from typing import Any

from symbi.contracts.definitions import AgentSpec, PolicySpec, RuleSet
from symbi_dsl.facts.metadata import MetadataFacts, split_tools
from symbi_dsl.facts.policies import policy_spec
from symbi_dsl.facts.program import find_program
from symbi_dsl.facts.sandbox import stronger
from symbi_dsl.facts.scope import Scope
from symbi_dsl.facts.sections import SectionFacts, read_sections
from symbi_dsl.facts.types import TypeTable, input_schema, type_text
from symbi_dsl.facts.with_blocks import MEMORY_KINDS, WithFacts, read_with_blocks
from symbi_dsl.syntax.expressions import Array, Literal, Name
from symbi_dsl.syntax.items import Agent, AgentProp, File, Policy, With
from symbi_dsl.syntax.node import Node

__all__ = ["AgentReader", "normal"]

_EXECUTORS = ("claude_code", "dsl")
_SECTIONS = ("resources", "security", "policies")


class AgentReader:
    """Reads the agents of one text."""

    def __init__(
        self,
        scope: Scope,
        tree: File,
        *,
        types: TypeTable,
        metadata: MetadataFacts,
        shared: tuple[PolicySpec, ...],
        digest: str,
    ) -> None:
        self.scope = scope
        alone = sum(isinstance(item, Agent) for item in tree.items) == 1
        self.loose = tree.items if alone else []
        self.shared_rules = RuleSet(policies=shared)
        self.shared_missing = _missing(shared)
        self.types = types
        self.metadata = metadata
        self.shared = shared
        self.digest = digest

    def read(self, node: Agent) -> AgentSpec:
        """Return the facts of one agent."""
        scope = self.scope
        facts = self._facts(node)
        blocks = read_with_blocks(scope, [item for item in node.items if isinstance(item, With)])
        sections = read_sections(
            scope, [item for item in node.items if isinstance(item, AgentProp) and item.word in _SECTIONS]
        )
        own = tuple(policy_spec(scope, item) for item in node.items if isinstance(item, Policy))
        executor, tools = self._executor(node, facts)
        parameters = self.types.parameters(node.params)
        program = (
            None
            if executor == "claude_code"
            else find_program(scope, node, shared=self.loose, has_with_body=blocks.has_body)
        )
        rules = RuleSet(policies=(*own, *self.shared)) if own else self.shared_rules
        missing = [*_missing(own), *self.shared_missing]
        return AgentSpec(
            name=node.name,
            line=scope.line(node),
            description=self._text(facts, "description") or self.metadata.text("description") or "",
            version=self._text(facts, "version") or self.metadata.text("version"),
            author=self._text(facts, "author") or self.metadata.text("author"),
            capabilities=self._capabilities(node, sections),
            parameters=parameters,
            input_schema=input_schema(parameters),
            returns=type_text(node.returns),
            policies=own,
            rules=rules,
            resources=sections.resources,
            security=sections.security,
            model=self._text(facts, "model") or self.metadata.text("model"),
            system_prompt=self._text(facts, "system_prompt") or self.metadata.text("system_prompt"),
            tools=self._tools(facts) or tools,
            privacy=self._text(facts, "privacy"),
            executor=executor,
            allowed_tools=tools,
            permission_mode=self.metadata.text("permission_mode"),
            retries=sections.retries,
            options=self._options(facts, blocks),
            not_enforced=tuple(dict.fromkeys([*blocks.not_enforced, *missing])),
            has_body=program is not None,
            program=program,
            digest=self.digest,
            **_limits(blocks, sections, self._memory(facts)),
        )

    # ---- single facts --------------------------------------------------------------------------------------------
    def _facts(self, node: Agent) -> dict[str, AgentProp]:
        found: dict[str, AgentProp] = {}
        for item in node.items:
            if not isinstance(item, AgentProp) or item.word in (*_SECTIONS, "capabilities"):
                continue
            if item.word in found:
                self.scope.error("E402", f"'{item.word}' is given twice", item)
            found.setdefault(item.word, item)
        for word in ("version", "author", "description"):
            given = self._text(found, word)
            other = self.metadata.text(word)
            if given is not None and other is not None and given != other:
                message = f"'{word}' contradicts the metadata, which say '{other[:40]}'"
                self.scope.error("E415", message, found[word], "say it once")
        return found

    def _text(self, facts: dict[str, AgentProp], word: str) -> str | None:
        item = facts.get(word)
        if item is None:
            return None
        value = self.scope.plain(item.value)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.scope.error("E420", f"agent: '{word}' must be a string", item.value)
        return None

    def _capabilities(self, node: Agent, sections: SectionFacts) -> tuple[str, ...]:
        found: list[str] = []
        for item in node.items:
            if not isinstance(item, AgentProp) or item.word != "capabilities" or not isinstance(item.value, Array):
                continue
            for entry in item.value.items:
                text = self._capability(entry)
                if text is not None:
                    found.append(text)
        return tuple(dict.fromkeys([*found, *sections.capabilities]))

    def _capability(self, entry: Node) -> str | None:
        if isinstance(entry, Name):
            return str(entry.name)
        if isinstance(entry, Literal) and isinstance(entry.value, str) and entry.value.strip():
            return entry.value
        self.scope.error("E414", "a capability is a string or a name", entry, 'write `"name"`')
        return None

    def _tools(self, facts: dict[str, AgentProp]) -> tuple[str, ...]:
        item = facts.get("tools")
        if item is None:
            return ()
        if isinstance(item.value, Array):
            words = [self.scope.word(entry) for entry in item.value.items]
            if None not in words:
                return tuple(dict.fromkeys(word for word in words if word))
        text = self.scope.word(item.value)
        if text is None:
            self.scope.error("E420", "agent: 'tools' must be a list of names", item.value)
            return ()
        return split_tools(text)

    def _memory(self, facts: dict[str, AgentProp]) -> str | None:
        item = facts.get("memory")
        word = self.scope.word(item.value) if item is not None else None
        if item is not None and (word is None or word.lower() not in MEMORY_KINDS):
            message = f"agent: 'memory' is none of {', '.join(MEMORY_KINDS)}: nothing enforces it"
            self.scope.warn("W310", message, item.value)
            return None
        return word.lower() if word else None

    def _executor(self, node: Agent, facts: dict[str, AgentProp]) -> tuple[str | None, tuple[str, ...]]:
        item = facts.get("executor")
        entry = self.metadata.entries.get("executor")
        place = item or entry
        if place is None:
            return None, self.metadata.tools()
        name = self.scope.word(place.value) or ""
        tools = self.metadata.tools() or self._tools(facts)
        if name not in _EXECUTORS:
            message = f"unknown executor '{name}'"
            self.scope.error("E420", message, place.value, f"use {' or '.join(_EXECUTORS)}")
            return None, tools
        if name == "claude_code" and not tools:
            hint = 'write `allowed_tools = "Read,Grep"` in the metadata'
            self.scope.error("E412", f"executor '{name}' needs a list of allowed_tools", place.value, hint)
        return name, tools

    def _options(self, facts: dict[str, AgentProp], blocks: WithFacts) -> dict[str, Any]:
        found = dict(blocks.options)
        title = self._text(facts, "name")
        if title is not None:
            found["title"] = title
        return found


def _missing(policies: tuple[PolicySpec, ...]) -> list[str]:
    found = [key for policy in policies for rule in policy.rules for key in rule.not_enforced]
    return list(dict.fromkeys(found))


def _limits(blocks: WithFacts, sections: SectionFacts, memory: str | None) -> dict[str, Any]:
    tier = stronger(blocks.tier, sections.tier)
    source = blocks.tier_source if tier == blocks.tier and blocks.tier is not None else sections.tier_source
    return {
        "sandbox": tier,
        "sandbox_source": source,
        "sandbox_opt_in": tier == "tier0",
        "timeout_seconds": blocks.timeout if blocks.timeout is not None else sections.timeout,
        "memory": blocks.memory or memory,
        "max_memory_mb": _least(blocks.max_memory_mb, sections.max_memory_mb),
        "max_cpu_cores": _least(blocks.max_cpu_cores, sections.max_cpu_cores),
        "cpu_seconds": sections.cpu_seconds,
        "storage_mb": sections.storage_mb,
        "network_policy": blocks.network or sections.network,
        "requires": tuple(dict.fromkeys(blocks.requires)),
        "priority": blocks.priority or "normal",
        "failure": sections.failure,
    }


def _least(left: Any, right: Any) -> Any:
    return min((value for value in (left, right) if value is not None), default=None)


def normal(name: str) -> str:
    """Return a name without what people write differently: case, hyphens, spaces."""
    return re.sub(r"[-_ ]+", "_", name.strip().lower())
