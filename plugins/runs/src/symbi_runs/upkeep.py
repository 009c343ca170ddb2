"""What keeps runs going in the background, from the opening of the service to its end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from symbi.contracts.errors import SymbiError
from symbi_runs import statements

if TYPE_CHECKING:
    from symbi_runs.service import Runs

__all__ = ["keep", "purge_old"]

PURGE_SECONDS = 3600.0
WARM_UP_SECONDS = 1.0
DAY_MS = 86_400_000


@contextlib.asynccontextmanager
async def keep(runs: Runs) -> AsyncIterator[None]:
    """Recover, run the engine and its upkeep while the service is open, and shut down gracefully."""
    await runs.node.reap(everything=not runs.node.shared)
    for run in await runs.node.queued():
        runs.engine.add(run)
    if len(runs.engine):
        runs.context.logger.info("%d runs wait from before", len(runs.engine))
    tasks = runs.context.tasks
    background = [
        tasks.supervise("engine", lambda: runs.engine.serve(runs.node)),
        tasks.supervise("leases", lambda: runs.node.keep_leases(lambda: list(runs.attempts), runs.cancelled_elsewhere)),
        tasks.supervise("purge", lambda: _purge_forever(runs)),
    ]
    if runs.node.scope == "all":
        background.append(tasks.start("mailboxes", runs.mailbox.recover()))
        background.append(tasks.start("warm up", _warm_up(runs)))
    try:
        yield
    finally:
        await runs.shut_down()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)


async def _warm_up(runs: Runs) -> None:
    """Open the executor before the first run needs it, once the start is over."""
    await runs.context.clock.sleep(WARM_UP_SECONDS)
    try:
        await runs.executors("tier0")
    except SymbiError as error:
        runs.context.logger.warning("the executor cannot be opened, and runs will fail with this reason: %s", error)


async def _purge_forever(runs: Runs) -> None:
    while True:
        await runs.context.clock.sleep(PURGE_SECONDS)
        await purge_old(runs)


async def purge_old(runs: Runs) -> int:
    """Delete ended runs that are older than they are kept, their journals and their folders; return how many."""
    if runs.config.keep_days <= 0:
        return 0
    before = runs.context.clock.now_ms() - int(runs.config.keep_days * DAY_MS)
    count = 0
    while True:
        gone = await runs.context.store.write(statements.purge, before)
        for run_id in gone:
            await asyncio.to_thread(shutil.rmtree, runs.context.data_dir / "runs" / run_id, ignore_errors=True)
        count += len(gone)
        if len(gone) < statements.PURGE_BATCH:
            return count
