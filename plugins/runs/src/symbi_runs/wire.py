"""Runs and their events as they go over the wire: times in RFC 3339."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.runs import RunEvent, RunView
from symbi.kernel.clock import rfc3339

__all__ = ["shown_event", "shown_run"]

_TIMES = ("scheduled_for", "created_at", "started_at", "completed_at")


def shown_run(view: RunView) -> dict[str, Any]:
    """Return a run as `GET /runs/{id}` answers it (decisions.md)."""
    shown: dict[str, Any] = msgspec.to_builtins(view)
    for name in _TIMES:
        if shown[name] is not None:
            shown[name] = rfc3339(shown[name])
    return shown


def shown_event(event: RunEvent) -> dict[str, Any]:
    """Return one entry of the journal."""
    return {"run_id": event.run_id, "seq": event.seq, "at": rfc3339(event.at), "kind": event.kind, "data": event.data}
