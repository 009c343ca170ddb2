"""What the API shows of channels: exactly the keys that clients know (runtime-api.md §1.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import SymbiError
from symbi.kernel.clock import rfc3339
from symbi_channels import records
from symbi_channels.trail import entry

if TYPE_CHECKING:
    from sqlalchemy import Row

    from symbi_channels.fleet import Fleet
    from symbi_channels.hub import Hub
    from symbi_channels.settings import ChannelSettings

__all__ = ["Views", "mapping_view", "summary"]


class Views:
    """Shows channels, their health and their audit trail."""

    def __init__(self, hub: Hub, settings: ChannelSettings, fleet: Fleet) -> None:
        self._hub = hub
        self._store = hub.context.store
        self._settings = settings
        self._fleet = fleet

    async def summaries(self) -> Sequence[Mapping[str, str]]:
        """Return every channel in four keys, oldest first."""
        return [summary(row) for row in await self._store.read(records.every)]

    async def detail(self, channel: str) -> dict[str, Any]:
        """Return a channel with its configuration, secrets left out; raises `NotFound`."""
        row = await self._store.read(records.find, channel)
        return {
            **summary(row),
            "config": self._settings.show(row.platform, row.config),
            "created_at": rfc3339(row.created_at),
            "updated_at": rfc3339(row.updated_at),
        }

    async def health(self, channel: str) -> dict[str, Any]:
        """Probe a channel's platform and return what it says; raises `NotFound`."""
        row = await self._store.read(records.find, channel)
        connected, workspace, active = False, None, 0
        if row.wanted and row.status == "running":
            try:
                runner = await self._fleet.opened(row)
                found = await runner.health()
                connected = found.connected and not (runner.outbound.last_failed and not found.workspace_name)
                workspace, active = found.workspace_name, found.channels_active
            except SymbiError:
                connected = False
        running = row.status == "running" and row.started_at
        uptime = (self._hub.context.clock.now_ms() - row.started_at) // 1000 if running else 0
        return {
            "id": row.id,
            "connected": connected,
            "platform": row.platform,
            "workspace_name": workspace,
            "channels_active": active,
            "last_message_at": rfc3339(row.last_message_at) if row.last_message_at else None,
            "uptime_secs": max(int(uptime), 0),
        }

    async def audit(self, channel: str, *, limit: int, before: int) -> dict[str, Any]:
        """Return the newest audit records of a channel, or those before a sequence number; raises `NotFound`."""
        row = await self._store.read(records.find, channel)
        found = await self._hub.trail.read(row.id, limit=limit, before=before)
        return {"channel_id": row.id, "entries": [entry(record) for record in found]}


def summary(row: Row[Any]) -> dict[str, str]:
    """Return a channel in four keys."""
    return {"id": row.id, "name": row.name, "platform": row.platform, "status": row.status}


def mapping_view(channel: Row[Any], row: Row[Any]) -> dict[str, Any]:
    """Return a mapping in its eight keys."""
    return {
        "platform_user_id": row.platform_user_id,
        "platform": channel.platform,
        "symbiont_user_id": row.symbiont_user_id,
        "email": row.email,
        "display_name": row.display_name,
        "roles": row.roles,
        "verified": row.verified,
        "created_at": rfc3339(row.created_at),
    }
