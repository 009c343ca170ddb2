"""The plugin: offers the language and its commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.languages import AgentLanguage
    from symbi.contracts.offers import Command

__all__ = ["agent_languages", "commands"]


@hookimpl
def agent_languages() -> Iterable[AgentLanguage]:
    """Offer the language of `.symbi` files."""
    from symbi.contracts.languages import AgentLanguage

    yield AgentLanguage(
        name="symbi",
        suffixes=(".symbi", ".dsl"),
        open="symbi_dsl.language:open_language",
        config="symbi_dsl.config:DslConfig",
        entry="symbi_dsl.interpreter.host:run",
        table="plugins.dsl",
        summary="The agent-definition language of .symbi files.",
    )


@hookimpl
def commands() -> Iterable[Command]:
    """Offer `symbi dsl` and `symbi fmt`."""
    from symbi.contracts.offers import Command

    yield Command(name="dsl", load="symbi_dsl.cli.group:dsl", summary="Check and show agent definitions.")
    yield Command(name="fmt", load="symbi_dsl.cli.fmt:fmt", summary="Format agent definitions.")
