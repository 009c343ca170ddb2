"""Registering, changing and deleting channels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import Principal
from symbi_channels import records
from symbi_channels.permission import permit

if TYPE_CHECKING:
    from sqlalchemy import Row

    from symbi_channels.fleet import Fleet
    from symbi_channels.hub import Hub
    from symbi_channels.settings import ChannelSettings

__all__ = ["Editor"]

_NAME = re.compile(r"[^\s\x00-\x1f\x7f/](?:[^\x00-\x1f\x7f/]{0,198}[^\s\x00-\x1f\x7f/])?")


class Editor:
    """Changes channels, each change asked of the gate and written to the audit log."""

    def __init__(self, hub: Hub, settings: ChannelSettings, fleet: Fleet) -> None:
        self._hub = hub
        self._context = hub.context
        self._settings = settings
        self._fleet = fleet

    async def register(
        self,
        name: str,
        platform: str,
        config: dict[str, Any],
        *,
        principal: Principal,
        declared: dict[str, str] | None = None,
    ) -> Row[Any]:
        """Register a channel; raises `InvalidRequest` naming the field, `Conflict` for a name that is taken, `PolicyDenied`."""
        if not _NAME.fullmatch(name):
            raise InvalidRequest("name: expected 1 to 200 printable characters without `/`", details={"field": "name"})
        sealed = self._settings.seal(platform, config)
        ident = self._context.ids.uuid()
        await permit(self._context, "channel_create", principal, name=name, ident=ident, platform=platform)
        now = self._context.clock.now_ms()
        row = {
            "id": ident, "name": name, "platform": platform, "status": "registered", "wanted": False, "config": sealed, "owner": principal.id,
            "created_at": now, "updated_at": now, **(declared or {}),
        }  # fmt: skip
        await self._context.store.write(records.add, row)
        await self._hub.trail.record("registered", ident, by=principal, name=name, platform=platform)
        return await self._context.store.read(records.find, ident)

    async def update(
        self,
        name_or_id: str,
        config: dict[str, Any] | None,
        *,
        principal: Principal,
        declared: dict[str, str] | None = None,
    ) -> Row[Any]:
        """Replace the configuration, keeping secrets that were left out; a running channel is opened anew with it."""
        row = await self._context.store.read(records.find, name_or_id)
        await self._permit("channel_update", row, principal)
        if config is None:
            return row
        sealed = self._settings.seal(row.platform, config, old=row.config)
        updated = max(self._context.clock.now_ms(), row.updated_at + 1)
        values = {"config": sealed, "updated_at": updated, **(declared or {})}
        await self._context.store.write(records.change, row.id, values)
        await self._hub.trail.record("updated", row.id, by=principal, fields=sorted(config))
        if row.wanted:
            await self._fleet.restart(row.id)
        return await self._context.store.read(records.find, row.id)

    async def delete(self, name_or_id: str, *, principal: Principal) -> str:
        """Stop and delete a channel with its mappings and what waits in it; return its id."""
        row = await self._context.store.read(records.find, name_or_id)
        await self._permit("channel_delete", row, principal)
        await self._context.store.write(records.change, row.id, {"wanted": False, "status": "stopping"})
        await self._fleet.drop(row.id)
        await self._context.store.write(records.remove, row.id)
        await self._hub.trail.record("deleted", row.id, by=principal, name=row.name)
        return str(row.id)

    async def _permit(self, action: str, row: Row[Any], principal: Principal) -> None:
        await permit(self._context, action, principal, name=row.name, ident=row.id, platform=row.platform)
