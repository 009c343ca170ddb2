"""Background tasks that somebody looks after: named, counted, restarted with back-off, stopped at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

__all__ = ["Tasks"]

_log = logging.getLogger("symbi.tasks")


class Tasks:
    """The background tasks of one plugin."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run the coroutine in the background; a failure is logged with the plugin's name, once."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self._owner}:{name}")
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def supervise(
        self, name: str, work: Callable[[], Awaitable[Any]], *, first_pause: float = 0.5, most_pause: float = 30.0
    ) -> asyncio.Task[Any]:
        """Run `work()` for ever: when it raises it is called again after a pause that doubles up to `most_pause` seconds."""

        async def keep() -> None:
            pause = first_pause
            while True:
                began = asyncio.get_running_loop().time()
                try:
                    await work()
                    return
                except Exception:
                    _log.exception("%s: task %s failed, again in %.1f s", self._owner, name, pause)
                if asyncio.get_running_loop().time() - began > most_pause:
                    pause = first_pause
                await asyncio.sleep(pause)
                pause = min(pause * 2, most_pause)

        return self.start(name, keep())

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("task %s failed", task.get_name(), exc_info=task.exception())
