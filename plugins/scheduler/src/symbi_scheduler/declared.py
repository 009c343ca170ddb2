"""Schedules that definitions declare: brought into line with their blocks, never made twice (R-DECL)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from symbi.contracts.delivery import DeliverySpec
from symbi.contracts.errors import Conflict, InvalidRequest, SymbiError
from symbi.contracts.principal import Principal
from symbi.contracts.scheduling import ScheduleOptions, ScheduleRequest
from symbi.kernel.context import PluginContext
from symbi_scheduler import changes
from symbi_scheduler.editing import Editor
from symbi_scheduler.tables import SCHEDULES
from symbi_scheduler.timekeeper import Timekeeper

__all__ = ["Declarations", "request_from"]

_S = SCHEDULES.c
_RENAMED = {
    "max_jitter": "jitter_seconds",
    "jitter": "jitter_seconds",
    "session_mode": "session",
    "timeout": "timeout_seconds",
}
_OF_REQUEST = (
    "dst_gap",
    "dst_overlap",
    "day_match",
    "start_at",
    "end_at",
    "max_fires",
    "calendar",
    "calendar_mode",
    "on_excluded",
    "input",
    "fail_fast",
)


class Declarations:
    """Reconciles one file at a time: same block untouched, edited block keeps its id and history, missing block archived."""

    def __init__(self, context: PluginContext, editor: Editor, keeper: Timekeeper) -> None:
        self._context = context
        self._editor = editor
        self._keeper = keeper

    async def reconcile(self, source: str, declarations: Sequence[dict[str, Any]], *, owner: Principal) -> list[str]:
        """Store what the blocks say; return one sentence for each block at fault. A faulty block leaves what was stored as it is."""
        stored: dict[str, Row[Any]] = {row.key: row for row in await self._context.store.read(_of_source, source)}
        faults = []
        for block in declarations:
            key, digest = str(block["key"]), _digest(block)
            known = stored.pop(key, None)
            if known is not None and known.digest == digest:
                continue
            try:
                await self._put(known, block, {"key": key, "source": source, "digest": digest}, owner)
            except SymbiError as error:
                faults.append(f"schedule {block.get('name', key)!r} (line {block.get('line', '?')}): {error}")
        for gone in stored.values():
            await self._context.store.write(
                changes.archive, gone.id, self._keeper.now(), "its block was removed from the definition"
            )
        return faults

    async def _put(
        self, known: Row[Any] | None, block: dict[str, Any], declared: dict[str, Any], owner: Principal
    ) -> None:
        request = request_from(block)
        if known is not None:
            await self._editor.replace(known, request, principal=owner, declared=declared)
            return
        try:
            await self._editor.create(request, principal=owner, declared=declared)
        except Conflict:
            again = await self._context.store.read(_of_key, declared["key"])
            if again is None:
                raise  # not the race of two nodes that read the same file
            await self._context.store.write(_adopt, again.id, declared["source"])


def request_from(block: dict[str, Any]) -> ScheduleRequest:
    """The request that a schedule block means; raises InvalidRequest for options that are unknown or have a wrong value."""
    own = {_RENAMED.get(name, name): value for name, value in (block.get("options") or {}).items()}
    own |= _conditions(block.get("conditions") or {})
    given: dict[str, Any] = {name: own.pop(name) for name in _OF_REQUEST if name in own}
    unknown = sorted(set(own) - set(ScheduleOptions.__struct_fields__))
    if unknown:
        raise InvalidRequest(
            f"scheduling does not know {', '.join(unknown)}", hint="remove it; it would have no effect"
        )
    try:
        return msgspec.convert(
            {
                **given, "name": block["name"], "agent_name": block["agent"], "cron_expression": block.get("cron"), "at": block.get("at"),
                "timezone": block.get("timezone", "UTC"), "policy_ids": block.get("policies") or (),
                "one_shot": bool(block.get("one_shot")) or block.get("at") is not None,
                "delivery": [_delivery(text) for text in block.get("delivery") or ()], "options": own,
            },
            ScheduleRequest,
            strict=False,
            from_attributes=True,
        )  # fmt: skip
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from None


def _conditions(conditions: dict[str, Any]) -> dict[str, Any]:
    """Run conditions of a block that scheduling keeps itself; one that it cannot keep refuses the block rather than be ignored."""
    kept = {"max_runtime": "timeout_seconds"}
    unkept = sorted(set(conditions) - set(kept))
    if unkept:
        raise InvalidRequest(
            f"the condition {', '.join(unkept)} cannot be enforced by scheduling",
            hint="say it in a policy on schedule_run",
        )
    return {kept[name]: value for name, value in conditions.items()}


def _delivery(text: str) -> DeliverySpec:
    """`stdout`, `log_file:PATH`, `https://…`, `slack://channel`, or a target's name."""
    if text.startswith(("http://", "https://")):
        return DeliverySpec(target="webhook", config={"url": text})
    scheme, colon, rest = text.partition("://")
    if colon:
        return DeliverySpec(target="channel", config={"platform": scheme, "target": rest})
    name, colon, rest = text.partition(":")
    if name in ("file", "log_file"):
        return DeliverySpec(target="file", config={"path": rest} if rest else {})
    return DeliverySpec(target=name, config={"target": rest} if rest else {})


def _digest(block: dict[str, Any]) -> str:
    facts = {name: value for name, value in block.items() if name != "line"}
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def _of_source(conn: Connection, source: str) -> list[Row[Any]]:
    return list(
        conn.execute(select(SCHEDULES).where(_S.source == source, _S.state != "archived", _S.key.is_not(None))).all()
    )


def _of_key(conn: Connection, key: str) -> Row[Any] | None:
    return conn.execute(select(SCHEDULES).where(_S.key == key, _S.state != "archived")).one_or_none()


def _adopt(conn: Connection, schedule_id: str, source: str) -> None:
    conn.execute(update(SCHEDULES).where(_S.id == schedule_id).values(source=source))
