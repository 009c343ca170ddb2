"""Which models there are: names to providers, providers opened at their first use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from symbi.contracts.errors import SymbiError
from symbi.contracts.models import ChatModel, ModelUnavailable
from symbi.contracts.reasoning import ModelChoice, Models
from symbi.kernel.points import LLM_PROVIDERS
from symbi_reasoning.config import LlmConfig

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["ModelDesk", "open_models"]


class ModelDesk(Models):
    """Implements `symbi.contracts.reasoning.Models` over the installed providers."""

    def __init__(self, config: LlmConfig, context: PluginContext, stack: AsyncExitStack) -> None:
        self._config = config
        self._context = context
        self._stack = stack
        self._opened: dict[str, ChatModel] = {}
        self._lock = asyncio.Lock()

    async def choices(self, asked: str | None = None) -> Sequence[ModelChoice]:
        """Return what is to be asked, in order."""
        names = [asked or self._config.model, *self._config.fallbacks]
        found = [await self._choice(name) for name in names]
        return list(dict.fromkeys(found))

    async def _choice(self, name: str) -> ModelChoice:
        provider, colon, model = name.partition(":")
        if not colon or provider not in self._context.catalogue(LLM_PROVIDERS):
            # A colon may also belong to a model's own name (`llama3:8b`).
            provider, model = self._config.provider, name
        return ModelChoice(provider=provider, model=model or (await self.open(provider)).default_model)

    async def open(self, provider: str) -> ChatModel:
        """Return a provider, opened at its first use."""
        async with self._lock:
            if provider not in self._opened:
                self._opened[provider] = await self._open(provider)
        return self._opened[provider]

    async def _open(self, provider: str) -> ChatModel:
        if provider not in self._context.catalogue(LLM_PROVIDERS):
            installed = ", ".join(sorted(self._context.catalogue(LLM_PROVIDERS))) or "none"
            raise ModelUnavailable(
                f"no model provider {provider!r} is installed (installed: {installed})",
                hint=f"pip install symbi-{'openrouter' if provider == 'openai' else provider}, or change [llm] provider",
            )
        try:
            opened: ChatModel = await self._stack.enter_async_context(self._context.open(LLM_PROVIDERS, provider))
        except ModelUnavailable:
            raise
        except SymbiError as error:
            raise ModelUnavailable(
                f"the model provider {provider!r} cannot be opened: {error.message}", hint=error.hint
            ) from error
        return opened


@asynccontextmanager
async def open_models(config: LlmConfig, context: PluginContext) -> AsyncIterator[ModelDesk]:
    """Open the desk; providers are opened when a model is asked."""
    async with AsyncExitStack() as stack:
        yield ModelDesk(config, context, stack)
