"""Who waits for news of which run; news only wakes, the store is read for what happened. An end is told with the run itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TypeVar

from symbi.contracts.runs import RunView

__all__ = ["Hub"]

T = TypeVar("T")


class Hub:
    """Wakes the followers of a run, and hands its end to those who wait for it."""

    def __init__(self) -> None:
        self._followers: dict[str, set[asyncio.Event]] = {}
        self._waiters: dict[str, set[asyncio.Future[RunView]]] = {}

    def tell(self, run_id: str) -> None:
        """Wake everybody who follows the run."""
        for event in self._followers.get(run_id, ()):
            event.set()

    def tell_end(self, view: RunView) -> None:
        """Hand the run, which has ended, to everybody who waits for that."""
        for future in self._waiters.get(view.run_id, ()):
            if not future.done():
                future.set_result(view)
        self.tell(view.run_id)

    @contextlib.contextmanager
    def follow(self, run_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set with every piece of news; the follower clears it."""
        event = asyncio.Event()
        with _member(self._followers, run_id, event):
            yield event

    @contextlib.contextmanager
    def await_end(self, run_id: str) -> Iterator[asyncio.Future[RunView]]:
        """Give a future that gets the run once it has ended here."""
        future: asyncio.Future[RunView] = asyncio.get_running_loop().create_future()
        with _member(self._waiters, run_id, future):
            yield future


@contextlib.contextmanager
def _member(groups: dict[str, set[T]], name: str, item: T) -> Iterator[None]:
    group = groups.setdefault(name, set())
    group.add(item)
    try:
        yield
    finally:
        group.discard(item)
        if not group:
            groups.pop(name, None)
