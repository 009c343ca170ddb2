"""The service that shapes loops (`symbi.contracts.reasoning.Adaptive`)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.reasoning import Adaptive, Curation, Prefetch, Task
from symbi.contracts.tools import ToolSpec
from symbi_adaptive.config import AdaptiveConfig
from symbi_adaptive.conventions import conventions_for
from symbi_adaptive.curation import curated
from symbi_adaptive.references import prefetches

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Shaper", "open_adaptive"]

WATCH = "symbi_adaptive.watch:make_watch"


class Shaper(Adaptive):
    """Implements `Adaptive` by the configuration; an agent's options name the directory and language it works in."""

    def __init__(self, config: AdaptiveConfig, root: Path) -> None:
        self._config = config
        self._root = root

    async def curate(self, task: Task, tools: Sequence[ToolSpec]) -> Curation:
        """Choose and order the tools."""
        profile = self._config.profiles.get(task.agent, self._config.tool_profile)
        return curated(tools, profile, f"{task.about} {task.text}")

    async def prefetch(self, task: Task, tools: Sequence[ToolSpec]) -> Sequence[Prefetch]:
        """Find what could be fetched beforehand."""
        return prefetches(task.text, tools, self._config.pre_hydration)

    def prefetch_tokens(self) -> int:
        """Return what fetched context may take."""
        return self._config.pre_hydration.max_context_tokens

    async def conventions(self, task: Task) -> str:
        """Return the rules that apply where the agent says it works."""
        directory, language = (str(task.options.get(name) or "") for name in ("directory", "language"))
        return await asyncio.to_thread(conventions_for, self._root, directory, language, self._config.conventions)

    def watch(self, task: Task) -> tuple[str, dict[str, Any]] | None:
        """Return what watches the run's calls."""
        steps = self._config.step_iteration
        return (WATCH, msgspec.to_builtins(steps)) if steps.enabled else None


@asynccontextmanager
async def open_adaptive(config: AdaptiveConfig, context: PluginContext) -> AsyncIterator[Shaper]:
    """Open the service; a pattern that is none, or a ladder whose steps are out of order, is refused."""
    for kind, pattern in config.pre_hydration.custom_patterns.items():
        try:
            re.compile(pattern)
        except re.error as error:
            path = f"adaptive.pre_hydration.custom_patterns.{kind}"
            raise ConfigError(f"{path}: no regular expression: {error}", path=path) from None
    steps = config.step_iteration
    if not 1 < steps.warn <= steps.block <= steps.stop:
        path = "adaptive.step_iteration"
        raise ConfigError(f"{path}: warn, block and stop must rise, from 2 on", path=path)
    yield Shaper(config, context.settings.folder / config.conventions.root)
