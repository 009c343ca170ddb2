"""The language as the rest of the runtime sees it: `symbi.contracts.languages.Language`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from symbi.contracts.definitions import Diagnostic, ParsedDefinition, RuleSet
from symbi.contracts.languages import RuleRequest, RuleVerdict
from symbi_dsl.config import DslConfig
from symbi_dsl.derive import derive_definition
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.limits import DEFAULT_LIMITS, Limits
from symbi_dsl.policy.evaluate import evaluate_rules

__all__ = ["SymbiLanguage", "open_language"]


class SymbiLanguage:
    """The language of `.symbi` files, within the configured bounds."""

    name = "symbi"
    entry = "symbi_dsl.interpreter.host:run"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    def parse(self, text: str | bytes, *, path: str = "", agents: frozenset[str] | None = None) -> ParsedDefinition:
        """Read and validate one definition; see the contract."""
        return parse_definition(text, path=path, agents=agents, limits=self._limits)

    def format(self, text: str) -> tuple[str, tuple[Diagnostic, ...]]:
        """Return the text in its canonical layout, or as it was with the diagnostics that forbid to touch it."""
        from symbi_dsl.formatter.format import format_text

        return format_text(text, limits=self._limits)

    def brief(self, text: str) -> str:
        """Return the text without comments."""
        from symbi_dsl.brief import without_comments

        return without_comments(text)

    def derive(
        self, name: str, *, system_prompt: str, model: str = "", tools: tuple[str, ...] = (), description: str = ""
    ) -> str:
        """Return a definition for an agent that was described by fields."""
        return derive_definition(name, system_prompt=system_prompt, model=model, tools=tools, description=description)

    def evaluate_rules(self, rules: RuleSet, request: RuleRequest) -> RuleVerdict:
        """Decide one action by the rules of an agent; see the contract."""
        return evaluate_rules(rules, request)


@asynccontextmanager
async def open_language(config: DslConfig, context: Any) -> AsyncIterator[SymbiLanguage]:
    """Open the language; it holds nothing that would have to be closed."""
    yield SymbiLanguage(config.limits())
