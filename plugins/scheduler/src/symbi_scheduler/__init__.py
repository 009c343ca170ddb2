"""Schedules that never lie: a cron engine, durable fires, history with reasons, and delivery of results."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
