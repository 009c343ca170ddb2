"""What happens in channels, in the audit log: who, where, which agent; the text itself only where that is configured."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.audit import AuditLog, AuditRecord
from symbi.contracts.principal import Principal

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Trail", "entry", "text_facts"]

SYSTEM = "system:channels"


class Trail:
    """Appends records whose subject is the channel's id; raises `AuditFailed` where the log cannot be written."""

    def __init__(self, context: PluginContext) -> None:
        self._context = context

    async def record(
        self,
        event: str,
        channel_id: str,
        *,
        by: Principal | str = SYSTEM,
        outcome: str = "done",
        user: str = "",
        conversation: str = "",
        agent: str = "",
        **details: Any,
    ) -> None:
        """Write one record of kind `channel.<event>`."""
        about = {"user_id": user or None, "channel_id": conversation or None, "agent": agent or None, **details}
        log = self._context.services.get(AuditLog)
        await log.append(f"channel.{event}", principal=by, subject=channel_id, outcome=outcome, details=about)

    async def read(self, channel_id: str, *, limit: int, before: int) -> Sequence[AuditRecord]:
        """Return records of a channel, newest first."""
        log = self._context.services.get(AuditLog)
        return await log.read(kind="channel", subject=channel_id, limit=limit, after=before, newest_first=True)


def entry(record: AuditRecord) -> dict[str, Any]:
    """Return a record as the API shows it: exactly six keys (runtime-api.md §1.5)."""
    details = dict(record.details)
    shown = {name: details.pop(name, None) for name in ("user_id", "channel_id", "agent")}
    details |= {"seq": record.seq, "outcome": record.outcome, "principal": record.principal}
    return {"timestamp": record.at, "event_type": record.kind.removeprefix("channel."), **shown, "details": details}


def text_facts(text: str, *, store: bool) -> dict[str, Any]:
    """Return what the audit log holds of a text."""
    facts: dict[str, Any] = {
        "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        "length": len(text),
    }
    return {**facts, "text": text[:4000]} if store else facts
