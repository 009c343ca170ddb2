"""What handlers of the review API get and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symbi_review.errors import invalid

if TYPE_CHECKING:
    from symbi_review.access import Caller
    from symbi_review.service import ReviewService

__all__ = ["Answer", "Call", "number"]


@dataclass(slots=True)
class Call:
    """One authenticated request."""

    service: ReviewService
    caller: Caller
    params: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
    headers: dict[str, str]
    request: Any


@dataclass(slots=True)
class Answer:
    """An answer: JSON in `body`, or bytes in `content`, or a stream."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str = "application/json"
    stream: Any = None


def number(call: Call, name: str, *, default: int, least: int, most: int) -> int:
    """A whole number of the query."""
    text = call.query.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.lstrip("-").isdigit() and len(text) <= 12):
        raise invalid(name, "wrong_type", f"{name} must be a whole number")
    value = int(text)
    if not least <= value <= most:
        raise invalid(name, "out_of_range", f"{name} must be between {least} and {most}", minimum=least, maximum=most)
    return value
