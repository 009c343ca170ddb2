"""The agents folder: what its files declare is registered at start and on every change, and archived when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.agents import AgentService, AgentView, DeclarationTaker
from symbi.contracts.definitions import AgentSpec, ParsedDefinition
from symbi.contracts.errors import SymbiError
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.principal import Principal
from symbi.kernel.context import PluginContext
from symbi_agents import records
from symbi_agents.config import FolderConfig
from symbi_agents.service import Agents

__all__ = ["FolderSync", "open_folder"]

OWNER = Principal(id="system:agent-folder", kind="system", admin=True, display_name="agents folder")
_KINDS = {"schedule": "schedules", "channel": "channels", "webhook": "webhooks", "memory": "memories"}
_LARGEST_FILES = 10_000


class FolderSync:
    """Brings the registry into line with the files of one folder."""

    def __init__(self, folder: Path, context: PluginContext, agents: Agents) -> None:
        self.folder = folder
        self.faults: dict[str, str] = {}
        self._context = context
        self._agents = agents
        self._seen: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def sync(self) -> dict[str, str]:
        """Read every file that changed, register what it declares, archive what is gone; return the faults by file.

        A file that does not hold keeps what it declared before, and its fault is shown in health and in the log.
        """
        async with self._lock:
            files = await asyncio.to_thread(self._read)
            for name, text in files.items():
                seen = text if isinstance(text, str) else str(text)
                if self._seen.get(name) != seen:
                    self._seen[name] = seen
                    await self._take(name, text)
            for name in [name for name in self._seen if name not in files]:
                await self._forget(name)
            await self._forget_unseen(set(files))
            return dict(self.faults)

    async def health(self) -> Health:
        """Say which files do not hold."""
        if not self.faults:
            return healthy(files=len(self._seen))
        shown = "; ".join(f"{name}: {fault}" for name, fault in sorted(self.faults.items())[:5])
        return degraded(shown, remedy="symbi dsl check agents", files=len(self._seen), faults=len(self.faults))

    def _read(self) -> dict[str, str | Exception]:
        found: dict[str, str | Exception] = {}
        suffixes = self._agents.definitions.suffixes()
        if not self.folder.is_dir():
            return found
        for path in sorted(self.folder.rglob("*"))[:_LARGEST_FILES]:
            if not path.name.endswith(suffixes) or path.name.startswith(".") or not path.is_file():
                continue
            try:
                found[path.relative_to(self.folder).as_posix()] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                found[path.relative_to(self.folder).as_posix()] = error
        return found

    async def _take(self, name: str, text: str | Exception) -> None:
        self.faults.pop(name, None)
        if isinstance(text, Exception):
            self._blame(name, f"cannot be read: {text}")
            return
        try:
            parsed = await self._agents.definitions.parse(
                text, path=name, language=self._agents.definitions.for_file(name)
            )
            if parsed.errors:
                first = parsed.errors[0]
                self._blame(name, f"{first.line}:{first.column} {first.message}")
                return
            await self._register(name, text, parsed)
            await self._declare(name, parsed)
        except SymbiError as error:
            self._blame(name, str(error))

    async def _register(self, name: str, text: str, parsed: ParsedDefinition) -> None:
        before = {agent.source: agent for agent in await self._context.store.read(records.by_source, f"file:{name}#")}
        for spec in parsed.agents:
            known = before.pop(f"file:{name}#{spec.name}", None)
            await self._register_one(name, text, spec, known)
        for gone in before.values():
            await self._agents.delete(gone.id, principal=OWNER)

    async def _register_one(self, name: str, text: str, spec: AgentSpec, known: AgentView | None) -> None:
        if known is None:
            language = self._agents.definitions.for_file(name)
            await self._agents.create(
                spec.name, text, principal=OWNER, source=f"file:{name}#{spec.name}", language=language
            )
        elif known.revision != spec.digest:
            await self._agents.update(known.id, principal=OWNER, text=text)

    async def _declare(self, name: str, parsed: ParsedDefinition) -> None:
        takers = [service for _, service in self._context.services.implementing("declaration_kinds", "reconcile")]
        for kind, attribute in _KINDS.items():
            specs = getattr(parsed, attribute)
            declarations = [_declaration(name, spec) for spec in specs]
            taker: DeclarationTaker | None = next((each for each in takers if kind in each.declaration_kinds), None)
            if taker is not None:
                for fault in await taker.reconcile(f"file:{name}", kind, declarations, owner=OWNER):
                    self._blame(name, fault)
            elif declarations:
                self._blame(
                    name, f"{kind} {', '.join(each['name'] for each in declarations)} declared, no plugin takes it"
                )

    async def _forget(self, name: str) -> None:
        self._seen.pop(name, None)
        self.faults.pop(name, None)
        for agent in await self._context.store.read(records.by_source, f"file:{name}#"):
            await self._agents.delete(agent.id, principal=OWNER)
        await self._declare(name, ParsedDefinition(path=name))

    async def _forget_unseen(self, files: set[str]) -> None:
        """Archive the agents of files that went while the runtime was down."""
        for agent in await self._context.store.read(records.by_source, "file:"):
            name = agent.source.removeprefix("file:").rpartition("#")[0]
            if name not in files:
                await self._forget(name)

    def _blame(self, name: str, fault: str) -> None:
        self.faults[name] = fault
        self._context.logger.warning("agents file %s: %s", name, fault)


@asynccontextmanager
async def open_folder(config: FolderConfig, context: PluginContext) -> AsyncIterator[FolderSync]:
    """Register what the folder declares, then follow its changes until closed."""
    agents = context.services.get(AgentService)
    assert isinstance(agents, Agents)  # this plugin provides it
    sync = FolderSync((context.settings.folder / config.directory).resolve(), context, agents)
    await sync.sync()
    task = context.tasks.supervise("watch-agents", lambda: _watch(sync)) if config.watch else None
    try:
        yield sync
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _watch(sync: FolderSync) -> None:
    from watchfiles import awatch

    while not sync.folder.is_dir():  # noqa: ASYNC110  # nobody tells of a folder that is not there
        await asyncio.sleep(2.0)
    await sync.sync()
    async for _ in awatch(sync.folder, debounce=200, step=50, stop_event=None):
        await sync.sync()


def _declaration(name: str, spec: Any) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(spec)
    return {**facts, "key": f"{name}#{facts.get('key', spec.name)}", "name": spec.name}
