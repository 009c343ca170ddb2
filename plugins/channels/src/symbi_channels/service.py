"""The service: keeps channels, runs those that are wanted, and takes them over when another runtime dies."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from symbi.contracts.approvals import ApprovalRequested, ApprovalResolved
from symbi.contracts.channels import SentMessage
from symbi.contracts.errors import Conflict, SymbiError
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.policy import Gate
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunEnded
from symbi_channels import records
from symbi_channels.approving import ApprovalBoard
from symbi_channels.config import ChannelsConfig
from symbi_channels.declared import Declarations
from symbi_channels.editing import Editor
from symbi_channels.fleet import Fleet
from symbi_channels.housekeeping import Housekeeping, Leases
from symbi_channels.people import People
from symbi_channels.posting import post
from symbi_channels.settings import ChannelSettings
from symbi_channels.vault import open_vault
from symbi_channels.views import Views

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Channels", "open_channels"]

_log = logging.getLogger("symbi.channels")


class Channels:
    """The `ChannelService`: `editor` registers and changes, `fleet` starts and stops, `people` maps, `views` shows."""

    declaration_kinds = frozenset({"channel"})

    def __init__(self, config: ChannelsConfig, context: PluginContext) -> None:
        self.context = context
        vault = open_vault(context.data_dir / "channels", config.encryption_key)
        self.settings = ChannelSettings(context, vault)
        self.fleet = Fleet(config, context, self.settings)
        self.hub = self.fleet.hub
        self.board = ApprovalBoard(self.hub)
        self.editor = Editor(self.hub, self.settings, self.fleet)
        self.people = People(self.hub)
        self.views = Views(self.hub, self.settings, self.fleet)
        self.declarations = Declarations(self.hub, self.editor, self.fleet)

    async def post(
        self,
        channel: str,
        text: str,
        *,
        principal: Principal,
        target: str = "",
        thread: str = "",
        key: str = "",
        wait_seconds: float = 5.0,
    ) -> SentMessage:
        """Send a text through a running channel; see the contract."""
        row = await self.context.store.read(records.find, channel)
        if not row.wanted or row.status not in ("running", "starting"):
            raise Conflict(
                f"the channel {row.name!r} is {row.status}", code="CHANNEL_NOT_RUNNING", hint="symbi channels start"
            )
        runner = await self.fleet.opened(row)
        return await post(runner, text, principal=principal, target=target, thread=thread, key=key, wait=wait_seconds)

    async def summaries(self) -> Sequence[Mapping[str, str]]:
        """Return `id, name, platform, status` of every channel."""
        return await self.views.summaries()

    async def reconcile(
        self, source: str, kind: str, declarations: Sequence[dict[str, Any]], *, owner: Principal
    ) -> Sequence[str]:
        """Take the channel blocks of one file."""
        return await self.declarations.reconcile(source, declarations, owner=owner)

    async def status_counts(self) -> Mapping[str, int]:
        """Return how many channels there are."""
        return {"channel_count": await self.context.store.read(records.count)}

    async def health(self) -> Health:
        """Return whether every channel that should run does."""
        rows = await self.context.store.read(records.wanted)
        broken = [row.name for row in rows if row.status == "error"]
        figures: dict[str, Any] = {
            "channels": await self.context.store.read(records.count),
            "running": len(rows) - len(broken),
        }
        if broken:
            remedy = "symbi channels list; mend the configuration, then symbi channels start NAME"
            return degraded(f"not running: {', '.join(broken[:5])}", remedy=remedy, **figures)
        return healthy(**figures)


@asynccontextmanager
async def open_channels(config: ChannelsConfig, context: PluginContext) -> AsyncIterator[Channels]:
    """Open the service and start the channels that ran before; a channel that cannot start costs only itself."""
    channels = Channels(config, context)
    gate = context.services.maybe(Gate)
    if gate is not None:
        gate.register_surface("channel")

    async def answered(event: RunEnded) -> None:
        runner = channels.hub.runners.get(str(event.origin.get("channel_id", "")))
        if runner is not None and runner.leads:
            await runner.answers.ended(event.run)

    undo = [
        context.events.subscribe(RunEnded, answered, name="channels answers", limit=100_000),
        context.events.subscribe(ApprovalRequested, channels.board.requested, name="channels approvals"),
        context.events.subscribe(ApprovalResolved, channels.board.resolved, name="channels approvals"),
    ]
    try:
        await channels.fleet.resume()
    except SymbiError as error:
        _log.error("channels could not be resumed: %s", error)
    context.tasks.supervise("housekeeping", Housekeeping(channels.hub, channels.board).work)
    if not channels.hub.alone:
        context.tasks.supervise("leases", Leases(channels.fleet).work)
    try:
        yield channels
    finally:
        for each in undo:
            await each()
        await channels.fleet.close()
