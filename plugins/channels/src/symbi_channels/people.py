"""Identity mappings: who a person of a platform is here. Without one, no agent acts for anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.principal import Principal
from symbi_channels import records
from symbi_channels.permission import permit

if TYPE_CHECKING:
    from sqlalchemy import Row

    from symbi_channels.hub import Hub
    from symbi_channels.wire import NewMapping

__all__ = ["People"]


class People:
    """Maps people of one channel's platform to identities of this runtime."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._context = hub.context

    async def all(self, channel: str) -> tuple[Row[Any], Sequence[Row[Any]]]:
        """Return the channel and its mappings; raises `NotFound`."""
        row = await self._context.store.read(records.find, channel)
        return row, await self._context.store.read(records.mappings, row.id)

    async def add(self, channel: str, new: NewMapping, *, principal: Principal) -> tuple[Row[Any], Row[Any]]:
        """Map a person; raises `NotFound`, `Conflict` where the person is mapped, `PolicyDenied`.

        What an administrator maps counts as verified.
        """
        row = await self._context.store.read(records.find, channel)
        facts: dict[str, Any] = {
            "platform_user_id": new.platform_user_id,
            "symbiont_user_id": new.symbiont_user_id,
            "roles": list(new.roles),
        }
        await self._permit(row, principal, {"mapping": facts})
        values = {
            "channel_id": row.id, **facts, "email": new.email, "display_name": new.display_name, "verified": principal.admin,
            "created_at": self._context.clock.now_ms(),
        }  # fmt: skip
        await self._context.store.write(records.add_mapping, values)
        await self._hub.trail.record("mapping.added", row.id, by=principal, user=new.platform_user_id, **facts)
        added = await self._context.store.read(records.mapping, row.id, new.platform_user_id)
        assert added is not None
        return row, added

    async def remove(self, channel: str, platform_user_id: str, *, principal: Principal) -> None:
        """Forget a person; raises `NotFound`, `PolicyDenied`."""
        row = await self._context.store.read(records.find, channel)
        await self._permit(row, principal, {"unmapped": platform_user_id})
        await self._context.store.write(records.remove_mapping, row.id, platform_user_id)
        await self._hub.trail.record("mapping.removed", row.id, by=principal, user=platform_user_id)

    async def _permit(self, row: Row[Any], principal: Principal, arguments: dict[str, Any]) -> None:
        await permit(
            self._context, "channel_update", principal, name=row.name, ident=row.id, platform=row.platform, arguments=arguments
        )  # fmt: skip
