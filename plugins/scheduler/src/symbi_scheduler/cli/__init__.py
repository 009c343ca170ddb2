"""`symbi cron`: previews that need no server, and the schedules of a running one."""

from __future__ import annotations

from symbi_scheduler.cli.group import cron

__all__ = ["cron"]
