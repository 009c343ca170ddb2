"""What the plugin `embed` offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.embedders import EmbedderOffer

__all__: list[str] = []


@hookimpl
def embedders() -> Iterable[EmbedderOffer]:
    """Offer the model that comes along, and two that are asked over HTTP."""
    from symbi.contracts.embedders import EmbedderOffer

    yield EmbedderOffer(
        name="minilm",
        config="symbi_embed.config:MiniLmConfig",
        open="symbi_embed.minilm:open_minilm",
        summary="all-MiniLM-L6-v2 in 8 bits on this machine; nothing is downloaded, nothing leaves it.",
        default=True,
    )
    yield EmbedderOffer(
        name="openai-embeddings",
        config="symbi_embed.config:OpenAiConfig",
        open="symbi_embed.remote:open_openai",
        summary="Any service with OpenAI's embeddings endpoint.",
    )
    yield EmbedderOffer(
        name="ollama-embeddings",
        config="symbi_embed.config:OllamaConfig",
        open="symbi_embed.remote:open_ollama",
        summary="A local Ollama.",
    )
