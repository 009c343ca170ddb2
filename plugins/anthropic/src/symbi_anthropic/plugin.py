"""What the plugin `anthropic` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.models import ModelProvider

__all__: list[str] = []


@hookimpl
def llm_providers() -> Iterator[ModelProvider]:
    from symbi.contracts.models import ModelProvider

    yield ModelProvider(
        name="anthropic",
        config="symbi_anthropic.config:AnthropicConfig",
        open="symbi_anthropic.provider:open_anthropic",
        summary="Models of Anthropic (ANTHROPIC_API_KEY)",
    )
