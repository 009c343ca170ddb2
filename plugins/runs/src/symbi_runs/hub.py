"""Who waits for news of which run; news only wakes, the store is read for what happened."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

__all__ = ["Hub"]


class Hub:
    """Wakes the followers of a run."""

    def __init__(self) -> None:
        self._followers: dict[str, set[asyncio.Event]] = {}

    def tell(self, run_id: str) -> None:
        """Wake everybody who follows the run."""
        for event in self._followers.get(run_id, ()):
            event.set()

    @contextlib.contextmanager
    def follow(self, run_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set with every piece of news; the follower clears it."""
        event = asyncio.Event()
        followers = self._followers.setdefault(run_id, set())
        followers.add(event)
        try:
            yield event
        finally:
            followers.discard(event)
            if not followers:
                self._followers.pop(run_id, None)
