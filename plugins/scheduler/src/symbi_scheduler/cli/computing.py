"""What `symbi cron next` computes, for one expression and for a line of a batch."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from symbi_scheduler.cron.cautions import cautions
from symbi_scheduler.cron.describe import describe
from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.rule import make_rule

__all__ = ["Asked", "BadLine", "answer_line", "compute", "iso", "now_seconds", "read_after"]


class BadLine(CronError):
    """A question that cannot be read."""


class Asked(msgspec.Struct, frozen=True):
    """One question: expression, zone, how many, and the rules."""

    expression: str
    timezone: str = "UTC"
    count: int = 5
    dst_gap: str = "auto"
    dst_overlap: str = "auto"
    day_match: str = "and"
    seed: str | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a batch."""

    expression: str
    timezone: str = "UTC"
    after: str | int | float | None = None
    count: int = 5
    dst_gap: Literal["auto", "skip", "next", "shift"] | None = None
    dst_overlap: Literal["auto", "first", "last", "both"] | None = None
    day_match: Literal["and", "or"] | None = None
    id: str | None = None


_decoder = msgspec.json.Decoder(_Line)


def compute(asked: Asked, after: int) -> dict[str, Any]:
    """The answer as a document; raises CronError, `in_the_past` when no time is left at all."""
    rule = make_rule(
        asked.expression,
        asked.timezone,
        dst_gap=asked.dst_gap,  # type: ignore[arg-type]  # make_rule checks the words
        dst_overlap=asked.dst_overlap,  # type: ignore[arg-type]
        day_match=asked.day_match,  # type: ignore[arg-type]
        seed=asked.seed,
    )
    times: list[str] = []
    found = rule.next_after(after)
    if found is None:
        raise CronError(
            "in_the_past", f"every date that this expression names lies before {iso(after)}", field="expression"
        )
    while found is not None and len(times) < asked.count:
        times.append(iso(found))
        found = rule.next_after(found)
    return {
        "expression": asked.expression,
        "timezone": asked.timezone,
        "next_runs": times,
        "warnings": cautions(rule.expression, seeded=asked.seed is not None),
        "description": describe(rule.expression, timezone=asked.timezone),
    }


def answer_line(line: bytes) -> bytes:
    """The answer to one line of a batch: `{next_runs, warnings}` or `{error, code}`."""
    try:
        asked = _decoder.decode(line)
        if not 1 <= asked.count <= 1000:
            raise BadLine("bad_value", "count lies between 1 and 1000", field="count")
        after = now_seconds() if asked.after is None else read_after(asked.after)
        question = Asked(
            asked.expression,
            asked.timezone,
            asked.count,
            asked.dst_gap or "auto",
            asked.dst_overlap or "auto",
            asked.day_match or "and",
            asked.id,
        )
        found = compute(question, after)
        return msgspec.json.encode({"next_runs": found["next_runs"], "warnings": found["warnings"]})
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return msgspec.json.encode({"error": f"the line is not a readable question: {error}", "code": "bad_line"})
    except CronError as error:
        return msgspec.json.encode({"error": str(error), "code": error.code})


def read_after(value: str | int | float) -> int:
    """Seconds UTC of an ISO 8601 time (UTC where no offset is given) or of Unix seconds; raises BadLine."""
    try:
        if isinstance(value, (int, float)):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            moment = datetime.fromisoformat(value.strip())
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() // 1)
    except (ValueError, OverflowError, OSError):
        raise BadLine(
            "bad_time",
            f"after: {str(value)[:64]!r} is not an ISO 8601 time",
            field="after",
            hint="2026-03-08T04:00:00Z",
        ) from None


def now_seconds() -> int:
    """The time now."""
    return int(time.time())


def iso(second: int) -> str:
    """ISO 8601 in UTC with Z."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
