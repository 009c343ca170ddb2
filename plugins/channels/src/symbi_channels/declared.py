"""Channels that definitions declare: brought into line with their blocks, and started."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.errors import InvalidRequest, SymbiError
from symbi.contracts.principal import Principal
from symbi_channels import records

if TYPE_CHECKING:
    from sqlalchemy import Row

    from symbi_channels.editing import Editor
    from symbi_channels.fleet import Fleet
    from symbi_channels.hub import Hub

__all__ = ["Declarations", "config_of"]

_UNENFORCED = ("dlp_profile", "data_classification")


class Declarations:
    """Reconciles one file at a time: same block untouched, edited block keeps its channel with mappings and audit, missing block deleted."""

    def __init__(self, hub: Hub, editor: Editor, fleet: Fleet) -> None:
        self._context = hub.context
        self._editor = editor
        self._fleet = fleet

    async def reconcile(self, source: str, declarations: Sequence[dict[str, Any]], *, owner: Principal) -> list[str]:
        """Store and start what the blocks say; return one sentence for each block at fault, which leaves what was stored as it is."""
        stored = {row.source_key: row for row in await self._context.store.read(records.by_source, source)}
        faults = []
        for block in declarations:
            key = str(block["key"])
            digest = hashlib.sha256(msgspec.json.encode(block, order="sorted")).hexdigest()
            known = stored.pop(key, None)
            if known is not None and known.digest == digest:
                continue
            try:
                await self._put(known, block, {"source": source, "source_key": key, "digest": digest}, owner)
            except SymbiError as error:
                faults.append(f"channel {block['name']!r} (line {block.get('line', '?')}): {error}")
        for gone in stored.values():
            await self._editor.delete(gone.id, principal=owner)
        return faults

    async def _put(
        self, known: Row[Any] | None, block: dict[str, Any], declared: dict[str, str], owner: Principal
    ) -> None:
        config = config_of(block)
        if known is not None:
            await self._editor.update(known.id, config, principal=owner, declared=declared)
            return
        row = await self._editor.register(block["name"], block["platform"], config, principal=owner, declared=declared)
        await self._fleet.start(row.id, principal=owner)


def config_of(block: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration that a channel block means; raises `InvalidRequest` for what could not be kept.

    What the block says of policies, data classes and names of rooms is refused rather than ignored: nobody would enforce it.
    """
    if (block.get("rules") or {}).get("policies"):
        raise InvalidRequest("policies inside a channel block are not enforced", hint="put them into policies/channel/")
    for name in _UNENFORCED:
        if block.get(name):
            raise InvalidRequest(f"{name} is not enforced by channels", hint="remove it")
    config = dict(block.get("options") or {})
    rooms = list(block.get("channels") or ())
    if rooms:
        if any(room.startswith("#") for room in rooms):
            raise InvalidRequest(
                f"{', '.join(rooms)}: a room is limited to by its id, not by its name",
                hint='channels: ["C0123456789"], as the platform shows it in the room\'s details',
            )
        config["conversations"] = rooms
    if block.get("default_agent"):
        config["agent"] = block["default_agent"]
    return config
