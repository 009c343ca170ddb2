"""The audit record of a run's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbi.contracts.audit import AuditFailed, AuditLog
from symbi_runs.records import RunRecord

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["record_end"]


async def record_end(context: PluginContext, record: RunRecord) -> None:
    """Write that a run has ended, and how; what it did is in the gate's own records.

    The end itself is durable already, so an audit log that fails is reported and changes nothing.
    """
    log = context.services.maybe(AuditLog)
    if log is None:
        return
    details = {
        "agent_id": record.agent_id,
        "agent": record.agent,
        "revision": record.revision,
        "trigger": record.trigger,
        "attempt": record.attempt,
        "error": (record.error or {}).get("code"),
        "usage": record.usage,
    }
    try:
        await log.append(
            "run.ended", principal=record.principal, subject=record.id, outcome=record.status, details=details
        )
    except AuditFailed as error:
        context.logger.error("the end of run %s is not in the audit log: %s", record.id, error)
