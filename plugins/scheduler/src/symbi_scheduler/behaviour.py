"""Fills the options of a schedule with the defaults of the configuration."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from symbi.contracts.scheduling import ScheduleOptions
from symbi_scheduler.config import SchedulerConfig
from symbi_scheduler.decide import Behaviour

__all__ = ["behaviour_of", "options_text", "read_options"]


def options_text(options: ScheduleOptions) -> str:
    """Options as they are stored: only what differs from the defaults."""
    return msgspec.json.encode(options).decode()


def read_options(text: str) -> ScheduleOptions:
    """Stored options; raises msgspec.ValidationError for a damaged text."""
    return msgspec.json.decode(text, type=ScheduleOptions)


@lru_cache(maxsize=4096)
def behaviour_of(text: str, config: SchedulerConfig) -> Behaviour:
    """The behaviour that stored options mean under a configuration; equal texts share one."""
    own = read_options(text)

    def pick(name: str) -> object:
        value = getattr(own, name)
        return getattr(config, name) if value is None else value

    def milliseconds(name: str) -> int:
        return round(float(pick(f"{name}_seconds")) * 1000)  # type: ignore[arg-type]  # the fields named so are numbers

    limit = own.max_concurrent
    if limit is None:
        limit = 0 if own.overlap == "allow" else config.max_concurrent
    values = {
        name: pick(name)
        for name in (
            "overlap",
            "queue_limit",
            "catchup",
            "catchup_limit",
            "jitter_seconds",
            "max_retries",
            "retry_jitter",
            "retry_on",
            "retry_on_lost",
        )
    }
    return msgspec.convert(
        {
            **values,
            "max_concurrent": limit,
            "catchup_window": milliseconds("catchup_window"),
            "grace": milliseconds("misfire_grace"),
            "retry_base": milliseconds("retry_base"),
            "retry_cap": milliseconds("retry_cap"),
            "pause_after_failures": pick("pause_after_failures"),
            "legacy_dead_letter": pick("legacy_dead_letter"),
            "timeout_seconds": own.timeout_seconds,
            "priority": own.priority or "normal",
            "session": own.session,
        },
        Behaviour,
    )
