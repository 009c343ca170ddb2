"""`H`: a value spread evenly over a field by the schedule's id, the same on every node and after every restart."""

from __future__ import annotations

from hashlib import blake2b

from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.fields import DAY, FIELDS, WEEKDAY, YEAR, Field
from symbi_scheduler.cron.items import number

__all__ = ["has_hash", "resolve_hash"]


def has_hash(text: str) -> bool:
    """Whether a field holds an `H` item."""
    return any(item[:1] in "hH" for item in text.split(",") if item)


def resolve_hash(index: int, text: str, *, seed: str) -> str:
    """The field with every `H`, `H(a-b)`, `H/n` and `H(a-b)/n` replaced by plain values; raises CronError when one is malformed.

    Plain `H` in the day field stays within 1-28, so that every month has it.
    """
    field = FIELDS[index]
    if field is YEAR:
        raise CronError("bad_value", "year: H is not allowed here", field="year")
    items = text.lower().split(",")
    return ",".join(
        _resolve(field, item, place, seed) if item.startswith("h") else item for place, item in enumerate(items)
    )


def _resolve(field: Field, item: str, place: int, seed: str) -> str:
    body, slash, step_text = item.partition("/")
    low, high = _bounds(field, body)
    digest = blake2b(f"{seed}:{field.name}:{place}".encode(), digest_size=8).digest()
    spread = int.from_bytes(digest, "big")
    if not slash:
        return str(low + spread * (high - low + 1) // 2**64)
    if not step_text.isdigit() or len(step_text) > 6 or int(step_text) == 0:
        raise CronError(
            "bad_step", f"{field.name}: the step {step_text!r} must be a number from 1 up", field=field.name
        )
    step = int(step_text)
    width = min(step, high - low + 1)
    return f"{low + spread * width // 2**64}-{high}/{step}"


def _bounds(field: Field, body: str) -> tuple[int, int]:
    if body == "h":
        if field is DAY:
            return 1, 28
        return field.low, 6 if field is WEEKDAY else field.high
    if body.startswith("h(") and body.endswith(")"):
        first, dash, last = body[2:-1].partition("-")
        if dash:
            low, high = number(field, first), number(field, last)
            if low <= high:
                return low, high
    raise CronError(
        "bad_value",
        f"{field.name}: {body!r} is not readable",
        field=field.name,
        hint="write H, H(a-b), H/n or H(a-b)/n",
    )
