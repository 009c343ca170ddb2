"""Whose time decides: this machine's, or the database's where several nodes share it."""

from __future__ import annotations

import logging

from sqlalchemy import Connection, text

from symbi.kernel.clock import Clock
from symbi.store import Store
from symbi_scheduler.config import SchedulerConfig

__all__ = ["Timekeeper"]

_log = logging.getLogger("symbi.scheduler")
_JUMP = 60_000


class Timekeeper:
    """Milliseconds UTC for every decision of the scheduler.

    On PostgreSQL the database's clock counts, so that a node with a wrong clock fires neither early nor twice; `offset` is what to add to this
    machine's clock. Jumps of the wall clock by more than a minute are logged and counted (scheduling.md §3.5).
    """

    def __init__(self, clock: Clock, store: Store, config: SchedulerConfig) -> None:
        self._clock = clock
        self.remote = config.clock == "database" or (config.clock == "auto" and store.dialect == "postgresql")
        self.offset = 0
        self.jumps = 0
        self._seen: tuple[int, float] | None = None

    def now(self) -> int:
        """The time now, corrected by what was last learned from the database."""
        return self._clock.now_ms() + self.offset

    def read(self, conn: Connection) -> int:
        """The time now inside a transaction; learns the offset on PostgreSQL."""
        local = self._clock.now_ms()
        if self.remote and conn.dialect.name == "postgresql":
            found = int(
                conn.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")).scalar_one()
            )
            self.offset = found - local
            return found
        return local

    def watch(self) -> None:
        """Compare wall and monotonic time since the last call, and note a jump."""
        wall, monotonic = self._clock.now_ms(), self._clock.monotonic()
        if self._seen is not None:
            jump = (wall - self._seen[0]) - round((monotonic - self._seen[1]) * 1000)
            if abs(jump) > _JUMP:
                self.jumps += 1
                _log.warning("the clock of this machine jumped by %+.0f s", jump / 1000)
        self._seen = (wall, monotonic)
