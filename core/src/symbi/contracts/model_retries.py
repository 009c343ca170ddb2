"""Asking a model again: which failures may pass, how long to wait, and the one loop that every provider uses (spec `reasoning.md` RSN-22)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any, Protocol

import msgspec

from symbi.contracts.models import ChatEnd, ChatEvent, ModelError, TextDelta

__all__ = ["RETRIED_STATUSES", "RetryPolicy", "parse_retry_after", "retried"]

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 529})
"""Answers that may be different a moment later."""


class _Clock(Protocol):
    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`retries` further attempts, after `first_seconds`·2ⁿ at most, at random below that ("full jitter"), never more than `most_seconds`.

    `after_text` also asks again when a part of the answer had come already; the text of the first try is then seen twice.
    """

    retries: int = 3
    first_seconds: float = 0.5
    most_seconds: float = 30.0
    most_retry_after_seconds: float = 60.0
    after_text: bool = False

    def delay(self, attempt: int, error: ModelError, random: Random) -> float:
        """Return the seconds to wait after attempt number `attempt` (1-based); a provider's Retry-After is the least."""
        jitter = random.uniform(0, min(self.most_seconds, self.first_seconds * 2 ** (attempt - 1)))
        if error.retry_after is None:
            return jitter
        return min(error.retry_after, self.most_retry_after_seconds) + min(jitter, 1.0)


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, whole seconds or an HTTP date (RFC 9110 §10.2.3); None where it says nothing."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


async def retried(
    once: Callable[[], AsyncIterator[ChatEvent]],
    *,
    policy: RetryPolicy,
    clock: _Clock,
    random: Random,
    timeout_seconds: float,
) -> AsyncIterator[ChatEvent]:
    """Yield the answer of `once()`, asked again where that may help and the time allows; the error that remains carries the text so far.

    `timeout_seconds` covers all attempts and the waits between them.
    """
    deadline = clock.monotonic() + timeout_seconds
    attempt = 0
    while True:
        attempt += 1
        text: list[str] = []
        started = False
        stream: Any = once()
        try:
            while (event := await _next(stream, deadline - clock.monotonic(), timeout_seconds)) is not None:
                started = True
                if isinstance(event, TextDelta):
                    text.append(event.text)
                yield msgspec.structs.replace(event, attempts=attempt) if isinstance(event, ChatEnd) else event
            return
        except ModelError as error:
            error.partial = "".join(text)
            last = attempt > policy.retries or not error.retryable or (started and not policy.after_text)
            wait = 0.0 if last else policy.delay(attempt, error, random)
            if last or clock.monotonic() + wait >= deadline:
                raise
        finally:
            with contextlib.suppress(ModelError):
                await stream.aclose()
        await clock.sleep(wait)


async def _next(stream: AsyncIterator[ChatEvent], left: float, whole: float) -> ChatEvent | None:
    try:
        async with asyncio.timeout(max(0.0, left)):
            return await anext(stream)
    except StopAsyncIteration:
        return None
    except TimeoutError:
        raise ModelError(f"the model did not answer within {whole:g} s", code="MODEL_TIMEOUT") from None
