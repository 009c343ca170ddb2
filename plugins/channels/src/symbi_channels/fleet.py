"""The running channels: started, stopped, resumed at the start, and of several runtimes led by one."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from symbi.contracts.channels import ChannelRefused
from symbi.contracts.errors import Conflict, SymbiError, Unavailable
from symbi.contracts.principal import Principal
from symbi_channels import records
from symbi_channels.config import ChannelsConfig
from symbi_channels.hub import Hub
from symbi_channels.runner import Runner
from symbi_channels.settings import ChannelSettings

if TYPE_CHECKING:
    from sqlalchemy import Row

    from symbi.kernel.context import PluginContext

__all__ = ["Fleet"]

_log = logging.getLogger("symbi.channels")


class Fleet:
    """Keeps what runs in line with what is wanted; changes of one channel are made one after another."""

    def __init__(self, config: ChannelsConfig, context: PluginContext, settings: ChannelSettings) -> None:
        self._context = context
        self._settings = settings
        self._locks: dict[str, asyncio.Lock] = {}
        self._versions: dict[str, int] = {}
        self._renewed = context.clock.monotonic()
        self.hub = Hub(config, context, refuse=self._refuse)

    async def start(self, name_or_id: str, *, principal: Principal) -> Row[Any]:
        """Start a channel; raises `NotFound`, `Conflict` where it runs, and what its platform says of its configuration."""
        row = await self._context.store.read(records.find, name_or_id)
        async with self._lock(row.id):
            row = await self._context.store.read(records.find, row.id)
            if row.wanted and row.status in ("running", "starting"):
                raise Conflict(f"the channel {row.name!r} is {row.status} already", code="CHANNEL_START_FAILED")
            await self._change(row.id, status="starting", wanted=True, error="")
            await self.hub.trail.record("started", row.id, by=principal)
            await self._run(row, fresh=True)
        return row

    async def stop(self, name_or_id: str, *, principal: Principal) -> Row[Any]:
        """Stop a channel; raises `NotFound`, `Conflict` where it does not run."""
        row = await self._context.store.read(records.find, name_or_id)
        async with self._lock(row.id):
            row = await self._context.store.read(records.find, row.id)
            if not row.wanted:
                raise Conflict(f"the channel {row.name!r} is {row.status}", code="CHANNEL_STOP_FAILED")
            await self._change(row.id, status="stopping", wanted=False)
            await self._close(row.id)
            await self._change(row.id, status="stopped", error="", started_at=None, holder="", lease_until=0)
            await self.hub.trail.record("stopped", row.id, by=principal)
        return row

    async def restart(self, channel_id: str) -> None:
        """Open a channel again with its new configuration; raises what its platform says, and the channel is then in `error`."""
        async with self._lock(channel_id):
            row = await self._context.store.read(records.find, channel_id)
            await self._close(channel_id)
            if row.wanted:
                await self._run(row, fresh=False)

    async def drop(self, channel_id: str) -> None:
        """Close a channel that is deleted."""
        async with self._lock(channel_id):
            await self._close(channel_id)
        self._locks.pop(channel_id, None)

    async def opened(self, row: Row[Any]) -> Runner:
        """Return the runner of a channel that should run, opening it where another runtime has started it."""
        found = self.hub.runners.get(row.id)
        if found is not None and self._versions.get(row.id) == row.updated_at:
            return found
        async with self._lock(row.id):
            found = self.hub.runners.get(row.id)
            if found is None or self._versions.get(row.id) != row.updated_at:
                await self._close(row.id)
                found = await self._open(row)
        return found

    async def resume(self) -> None:
        """Start what ran before; one that cannot start is in `error`, the others run."""
        for row in await self._context.store.read(records.wanted):
            async with self._lock(row.id):
                try:
                    await self._run(row, fresh=False)
                except SymbiError as error:
                    _log.error("channel %s could not be started: %s", row.name, error)

    async def tick(self) -> None:
        """Renew the leases and take over what nobody holds; without the database, lead nothing that another may have taken."""
        rows = {row.id: row for row in await self._context.store.read(records.wanted)}
        for channel_id in [each for each in self.hub.runners if each not in rows]:
            async with self._lock(channel_id):
                await self._close(channel_id)
        for row in rows.values():
            if row.status == "error":
                continue
            try:
                runner = await self.opened(row)
            except SymbiError as error:
                _log.warning("channel %s cannot be opened here: %s", row.name, error)
                continue
            await self._take(runner)
        self._renewed = self._context.clock.monotonic()

    async def let_go(self) -> None:
        """Lead nothing any more where the leases could not be renewed in time."""
        if self._context.clock.monotonic() - self._renewed > self.hub.config.lease_seconds:
            for runner in list(self.hub.runners.values()):
                await runner.follow()

    async def close(self) -> None:
        """Close everything; the channels stay wanted, and another runtime may take them at once."""
        await asyncio.gather(*(runner.close() for runner in self.hub.runners.values()), return_exceptions=True)
        self.hub.runners.clear()
        try:
            await self._context.store.write(records.release, self.hub.node)
        except SymbiError as error:
            _log.warning("the leases were not given back: %s", error)

    async def _run(self, row: Row[Any], *, fresh: bool) -> None:
        try:
            runner = await self._open(row)
        except SymbiError as error:
            await self._change(row.id, status="error", error=error.message)
            await self.hub.trail.record("failed", row.id, outcome="error", reason=error.message)
            raise Unavailable(
                f"the channel {row.name!r} did not start: {error.message}", code="CHANNEL_START_FAILED", hint=error.hint
            ) from None
        started = self._context.clock.now_ms() if fresh or not row.started_at else row.started_at
        await self._change(row.id, status="running", error="", started_at=started)
        await self._take(runner)

    async def _open(self, row: Row[Any]) -> Runner:
        routing, config = self._settings.read(row.platform, row.config)
        runner = Runner(self.hub, ident=row.id, name=row.name, platform=row.platform, routing=routing, config=config)
        await runner.open()
        self.hub.runners[row.id] = runner
        self._versions[row.id] = row.updated_at
        return runner

    async def _take(self, runner: Runner) -> None:
        """Lead a channel whose lease this runtime gets, follow otherwise."""
        now = self._context.clock.now_ms()
        until = now + round(self.hub.config.lease_seconds * 1000)
        held = await self._context.store.write_committed(
            records.claim, runner.id, self.hub.node, now, until, alone=self.hub.alone
        )
        if held:
            runner.lead()
        else:
            await runner.follow()

    async def _close(self, channel_id: str) -> None:
        runner = self.hub.runners.pop(channel_id, None)
        self._versions.pop(channel_id, None)
        if runner is not None:
            await runner.close()

    async def _change(self, channel_id: str, **values: Any) -> None:
        await self._context.store.write(records.change, channel_id, values)

    def _lock(self, channel_id: str) -> asyncio.Lock:
        return self._locks.setdefault(channel_id, asyncio.Lock())

    def _refuse(self, runner: Runner, error: ChannelRefused) -> None:
        async def give_up() -> None:
            async with self._lock(runner.id):
                if self.hub.runners.get(runner.id) is not runner:
                    return
                _log.error("channel %s: %s", runner.name, error)
                await self._change(runner.id, status="error", error=error.message)
                await self._close(runner.id)
                await self.hub.trail.record("failed", runner.id, outcome="error", reason=error.message)

        self._context.tasks.start("refused", give_up())
