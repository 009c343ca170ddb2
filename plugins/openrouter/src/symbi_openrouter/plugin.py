"""What the plugin `openrouter` offers."""

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
        name="openrouter",
        config="symbi_openrouter.config:OpenRouterConfig",
        open="symbi_openrouter.provider:open_openrouter",
        summary="Many models behind one key (OPENROUTER_API_KEY)",
    )
    yield ModelProvider(
        name="openai",
        config="symbi_openrouter.config:OpenAIConfig",
        open="symbi_openrouter.provider:open_openai",
        summary="OpenAI, and any server that speaks its chat completions (OPENAI_API_KEY, OPENAI_BASE_URL)",
    )
