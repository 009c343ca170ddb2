"""Calling the blocking library beside the event loop, in daemon threads: a call that hangs never holds up the end of the process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from symbi.contracts.masking import mask_text

__all__ = ["aside", "overheard"]

T = TypeVar("T")
_LOGGER = "opentelemetry"
_lock = threading.Lock()
_listeners = 0
_propagated = True


async def aside(work: Callable[..., T], *args: Any) -> T:
    """Return what `work(*args)` returns, or raise what it raises; cancelling stops the waiting, not the work.

    The loop's own executor is not used, since the process waits for its threads at the end.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if not future.done():
            future.set_exception(error) if error is not None else future.set_result(value)

    def run() -> None:
        try:
            value, error = work(*args), None
        except BaseException as failure:  # every failure belongs to the one who waits
            value, error = None, failure
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name="symbi-otlp", daemon=True).start()
    return await future


class _Overheard(logging.Handler):
    """Keeps what one thread logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(mask_text(record.getMessage())[:500])


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Collect what the library logs in this thread: it says there, and only there, why an export failed; it does not reach our log."""
    global _listeners, _propagated
    logger = logging.getLogger(_LOGGER)
    handler = _Overheard()
    with _lock:
        if _listeners == 0:
            _propagated, logger.propagate = logger.propagate, False
        _listeners += 1
        logger.addHandler(handler)
    try:
        yield handler.said
    finally:
        with _lock:
            logger.removeHandler(handler)
            _listeners -= 1
            if _listeners == 0:
                logger.propagate = _propagated
