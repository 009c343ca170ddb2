"""The contract of agent languages: subclass it with `plugin` and `name`, and give texts of your language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from symbi.contracts.definitions import ParsedDefinition, RuleSet
from symbi.contracts.languages import (
    AgentLanguage,
    DefinitionInvalid,
    Language,
    RuleRequest,
    choose_agent,
    require_valid,
)
from symbi.contracts.offers import load
from symbi.kernel.points import AGENT_LANGUAGES
from symbi.testing.kernels import open_kernel

__all__ = ["LanguageContract"]

_RUBBISH = ("", "\0", "\ud800", "{" * 5_000, "((((" * 2_000, '"', "/*", "\u202e", "a" * 100_000, "é" * 1_000)


class LanguageContract:
    """What every agent language must do."""

    plugin: Any
    """The plugin module."""
    name: str
    """The language's name."""
    good: Sequence[str] = ()
    """Texts that hold, each declaring one agent or more."""
    bad: Sequence[str] = ()
    """Texts with at least one error."""

    async def test_the_offer_names_what_exists(self, tmp_path: Path) -> None:
        """The offer has suffixes that begin with a dot, and an entry that can be imported and called."""
        async with open_kernel(tmp_path, [self.plugin]) as kernel:
            offer: AgentLanguage = kernel.catalogue(AGENT_LANGUAGES)[self.name]
            assert offer.suffixes
            assert all(suffix.startswith(".") for suffix in offer.suffixes)
            assert callable(load(offer.entry))
            async with kernel.open(AGENT_LANGUAGES, self.name) as language:
                assert (language.name, language.entry) == (offer.name, offer.entry)

    async def test_good_texts_give_facts(self, tmp_path: Path) -> None:
        """A good text has no error, declares an agent, and its facts survive being stored as JSON."""
        async with self._opened(tmp_path) as language:
            for text in self.good:
                parsed = require_valid(language.parse(text, path="x"))
                assert parsed.agents, text
                assert parsed.path == "x"
                assert msgspec.json.decode(msgspec.json.encode(parsed), type=ParsedDefinition) == parsed
                for agent in parsed.agents:
                    assert choose_agent(parsed, agent.name).name == agent.name
                    assert agent.digest == parsed.digest
                    assert (agent.program is not None) == agent.has_body

    async def test_bad_texts_give_places(self, tmp_path: Path) -> None:
        """A bad text gives errors with one-based places and a code, and is refused as a definition."""
        async with self._opened(tmp_path) as language:
            for text in self.bad:
                parsed = language.parse(text)
                assert not parsed.ok, text
                for item in parsed.errors:
                    assert item.code, text
                    assert item.message, text
                    assert min(item.line, item.column, item.end_line, item.end_column) >= 1
                with pytest.raises(DefinitionInvalid):
                    require_valid(parsed)

    async def test_nothing_raises_on_rubbish(self, tmp_path: Path) -> None:
        """Whatever a text or bytes hold, parsing, formatting and the brief end without an exception."""
        async with self._opened(tmp_path) as language:
            for text in _RUBBISH:
                language.parse(text)
                language.format(text)
                language.brief(text)
            language.parse(b"\xff\xfe\x00")

    async def test_formatting_is_idempotent_and_keeps_the_facts(self, tmp_path: Path) -> None:
        """A formatted text formats to itself and says the same; a text that does not parse comes back as it was."""
        async with self._opened(tmp_path) as language:
            for text in self.good:
                written, problems = language.format(text)
                assert problems == ()
                assert language.format(written) == (written, ())
                before, after = language.parse(text), language.parse(written)
                assert [agent.name for agent in after.agents] == [agent.name for agent in before.agents]
            for text in self.bad:
                written, problems = language.format(text)
                assert not problems or written == text

    async def test_derived_definitions_hold(self, tmp_path: Path) -> None:
        """A definition derived from fields holds and says what the fields said, whatever they hold."""
        async with self._opened(tmp_path) as language:
            prompt = 'Say "hi"\n\\ { } // not a comment'
            parsed = require_valid(language.parse(language.derive("x", system_prompt=prompt, model="m", tools=("t",))))
            agent = choose_agent(parsed)
            assert (agent.system_prompt, agent.model, agent.tools) == (prompt, "m", ("t",))

    async def test_no_rules_defer_and_the_closed_world_denies(self, tmp_path: Path) -> None:
        """Without rules the global gate decides; where everything not allowed is denied, nothing else is needed."""
        async with self._opened(tmp_path) as language:
            request = RuleRequest(action="anything")
            assert language.evaluate_rules(RuleSet(language=self.name), request).decision == "defer"
            closed = RuleSet(language=self.name, default_deny=True)
            assert language.evaluate_rules(closed, request).decision == "deny"

    def _opened(self, tmp_path: Path) -> _Opened:
        return _Opened(tmp_path, self.plugin, self.name)


class _Opened:
    """A kernel with one plugin, and its language opened."""

    def __init__(self, tmp_path: Path, plugin: Any, name: str) -> None:
        self._kernel = open_kernel(tmp_path, [plugin])
        self._name = name
        self._inner: Any = None

    async def __aenter__(self) -> Language:
        kernel = await self._kernel.__aenter__()
        self._inner = kernel.open(AGENT_LANGUAGES, self._name)
        language: Language = await self._inner.__aenter__()
        return language

    async def __aexit__(self, *error: Any) -> None:
        await self._inner.__aexit__(*error)
        await self._kernel.__aexit__(*error)
