"""Definitions: parsed by an opened language, kept parsed by revision, derived where a client sends fields instead of a text."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from typing import Any

from symbi.contracts.agents import AgentView
from symbi.contracts.definitions import AgentSpec, ParsedDefinition
from symbi.contracts.errors import InvalidRequest, PayloadTooLarge, ServiceUnavailable
from symbi.contracts.languages import Language, choose_agent, require_valid

__all__ = ["Definitions"]

_KEPT = 512
_INLINE_BYTES = 16_384


class Definitions:
    """The languages that are installed, and the definitions parsed lately."""

    def __init__(self, languages: dict[str, tuple[Language, tuple[str, ...]]], *, default: str, max_bytes: int) -> None:
        self._languages = languages
        self._default = default
        self._max_bytes = max_bytes
        self._specs: OrderedDict[tuple[str, str], AgentSpec] = OrderedDict()

    def language(self, name: str | None = None) -> Language:
        """Return a language by name, or the one for definitions sent as text; raises `ServiceUnavailable`."""
        wanted = name or self._default
        if wanted not in self._languages:
            raise ServiceUnavailable(f"the agent language {wanted!r} is not installed", hint="pip install symbi-dsl")
        return self._languages[wanted][0]

    def for_file(self, file_name: str) -> str | None:
        """Return the name of the language whose suffix the file has, or None."""
        for name, (_, suffixes) in self._languages.items():
            if file_name.endswith(suffixes):
                return name
        return None

    def suffixes(self) -> tuple[str, ...]:
        """Return every suffix of agent files."""
        return tuple(suffix for _, suffixes in self._languages.values() for suffix in suffixes)

    async def parse(self, text: str, *, path: str = "", language: str | None = None) -> ParsedDefinition:
        """Parse a text; large ones in a thread, so that they hold nobody up. Raises `PayloadTooLarge`."""
        if len(text) > self._max_bytes or len(text.encode("utf-8", "surrogatepass")) > self._max_bytes:
            raise PayloadTooLarge(
                f"the definition is larger than {self._max_bytes} bytes", details={"limit_bytes": self._max_bytes}
            )
        parser = self.language(language)
        if len(text) <= _INLINE_BYTES:
            return parser.parse(text, path=path)
        return await asyncio.to_thread(parser.parse, text, path=path)

    async def one(self, text: str, *, name: str | None, language: str | None = None) -> AgentSpec:
        """Return the agent that a request means; raises `DefinitionInvalid` with all diagnostics."""
        if not text.strip():
            raise InvalidRequest("dsl must not be empty", details={"field": "dsl", "reason": "empty"})
        spec = choose_agent(require_valid(await self.parse(text, language=language)), name)
        self._keep(spec)
        return spec

    async def of(self, agent: AgentView) -> AgentSpec:
        """Return the facts of a registered agent, parsed once per revision."""
        found = self._specs.get((agent.revision, agent.agent))
        if found is None:
            found = choose_agent(require_valid(await self.parse(agent.text, language=agent.language)), agent.agent)
            self._keep(found)
        return found

    def derive(self, name: str, fields: dict[str, Any]) -> str:
        """Return a definition for an agent that a client describes by fields, as the Python SDK does."""
        tools = fields.get("tools") or ()
        names = tuple(str(tool.get("name", "")) if isinstance(tool, dict) else str(tool) for tool in tools)
        return self.language().derive(
            _identifier(name),
            system_prompt=str(fields.get("system_prompt") or ""),
            model=str(fields.get("model") or ""),
            tools=tuple(each for each in names if each),
            description=str(fields.get("description") or ""),
        )

    def _keep(self, spec: AgentSpec) -> None:
        self._specs[(spec.digest, spec.name)] = spec
        self._specs.move_to_end((spec.digest, spec.name))
        while len(self._specs) > _KEPT:
            self._specs.popitem(last=False)


def _identifier(name: str) -> str:
    word = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "agent"
    return word if not word[0].isdigit() else f"agent_{word}"
