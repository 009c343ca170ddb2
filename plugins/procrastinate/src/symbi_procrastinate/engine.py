"""The run engine `procrastinate`: one job for each queued run, in the PostgreSQL that holds the runs (`symbi.contracts.engines.RunEngine`).

The runs stay the truth: a job only says that some node with room should claim its run, and one that comes twice, late or for a run that is over is
harmless. A job lasts as long as its run does on this node, so that the worker's concurrency is the node's room. A run that another one waits for
does not queue behind others: it is taken where its parent is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import procrastinate
from procrastinate import exceptions

from symbi.contracts.engines import QueuedRun, RunNode
from symbi.contracts.errors import ConfigError, SymbiError, Unavailable
from symbi_procrastinate.config import ProcrastinateConfig

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi.kernel.context import PluginContext

__all__ = ["ProcrastinateEngine", "open_procrastinate"]

TASK = "symbi.run"
AGAIN_SECONDS = 1.0


class ProcrastinateEngine:
    """Defers a job for each run it is told of, and takes runs for the node as the worker hands out jobs."""

    def __init__(self, app: procrastinate.App, config: ProcrastinateConfig, clock: Clock) -> None:
        self._app = app
        self._config = config
        self._clock = clock
        self._to_come: set[str] = set()
        """Told of, and no job deferred yet."""
        self._held: set[str] = set()
        """Handed out by the worker, and waiting for room."""
        self._under_way: dict[str, asyncio.Event] = {}
        self._removed: dict[str, None] = {}
        self._to_defer: asyncio.Queue[QueuedRun] = asyncio.Queue()
        self._woken = asyncio.Event()
        self._node: RunNode | None = None
        self._near: set[asyncio.Task[None]] = set()
        self._task = app.task(name=TASK, queue=config.queue, pass_context=False)(self._job)

    def __len__(self) -> int:
        return len(self._to_come) + len(self._held)

    def add(self, run: QueuedRun) -> None:
        """Take note of a queued run; its job is deferred in the background."""
        if run.run_id in self._to_come or run.run_id in self._held or run.run_id in self._under_way:
            return
        self._removed.pop(run.run_id, None)
        if run.depth > 0 and not run.not_before:
            self._take_near(run)
        else:
            self._to_come.add(run.run_id)
            self._to_defer.put_nowait(run)

    def remove(self, run_id: str) -> None:
        """Forget a run; its job will find nothing to claim."""
        self._to_come.discard(run_id)
        self._removed[run_id] = None
        while len(self._removed) > 10_000:
            self._removed.pop(next(iter(self._removed)))
        self.wake()

    def done(self, run_id: str) -> None:
        """Let the job of a run end, since the run is over here."""
        over = self._under_way.pop(run_id, None)
        if over is not None:
            over.set()
        self.wake()

    def wake(self) -> None:
        """Look again for room."""
        self._woken.set()
        self._woken = asyncio.Event()

    async def serve(self, node: RunNode) -> None:
        """Defer and take jobs until cancelled."""
        self._node = node
        deferring = asyncio.create_task(self._defer_all(), name="procrastinate: defer")
        try:
            await self._app.run_worker_async(
                queues=[self._config.queue],
                concurrency=self._config.concurrency,
                fetch_job_polling_interval=self._config.poll_seconds,
                install_signal_handlers=False,
                shutdown_graceful_timeout=0,
                delete_jobs="always",
            )
        finally:
            self._node = None
            for task in (deferring, *self._near):
                task.cancel()
            await asyncio.gather(deferring, *self._near, return_exceptions=True)

    async def _defer_all(self) -> None:
        while True:
            run = await self._to_defer.get()
            while run.run_id in self._to_come:
                try:
                    await self._defer(run)
                    self._to_come.discard(run.run_id)
                except (exceptions.ConnectorException, exceptions.AppNotOpen):
                    # The store is away, which its own health says; nothing is lost by waiting.
                    await self._clock.sleep(AGAIN_SECONDS)

    async def _defer(self, run: QueuedRun) -> None:
        due = datetime.fromtimestamp(run.not_before / 1000, UTC) if run.not_before else None
        job = self._app.configure_task(
            TASK,
            queue=self._config.queue,
            # Whole seconds of the rank, smallest first: it fits PostgreSQL's integer until 2038.
            priority=max(-2_147_483_648, -(run.rank // 1000)),
            schedule_at=due,
            queueing_lock=run.run_id,
        )
        with contextlib.suppress(exceptions.AlreadyEnqueued):
            await job.defer_async(run=msgspec.to_builtins(run))

    async def _job(self, run: dict[str, Any]) -> None:
        """Take one run, on whichever node the job has come to (the worker calls this)."""
        queued = msgspec.convert(run, QueuedRun)
        if queued.run_id in self._held or queued.run_id in self._under_way:
            return
        await self._take(queued)

    def _take_near(self, run: QueuedRun) -> None:
        task = asyncio.get_running_loop().create_task(self._take(run), name=f"procrastinate: {run.run_id}")
        self._near.add(task)
        task.add_done_callback(self._near.discard)

    async def _take(self, run: QueuedRun) -> None:
        """Wait for room, claim the run, and return when it is over here; at once where another node has it."""
        self._held.add(run.run_id)
        try:
            over = await self._claim(run)
        finally:
            self._held.discard(run.run_id)
        if over is not None:
            await over.wait()

    async def _claim(self, run: QueuedRun) -> asyncio.Event | None:
        """Return what is set when the run is over; None where it was removed, or claimed elsewhere."""
        while run.run_id not in self._removed:
            node, woken = self._node, self._woken
            if node is None or not node.reserve(run):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_SECONDS):
                        await woken.wait()
                continue
            over = self._under_way[run.run_id] = asyncio.Event()
            try:
                claimed = await node.take([run])
            except SymbiError:
                self._under_way.pop(run.run_id, None)
                await self._clock.sleep(AGAIN_SECONDS)
                continue
            if run.run_id in claimed:
                return over
            self._under_way.pop(run.run_id, None)
            return None
        return None


@contextlib.asynccontextmanager
async def open_procrastinate(config: ProcrastinateConfig, context: PluginContext) -> AsyncIterator[ProcrastinateEngine]:
    """Open the engine on the store's PostgreSQL, making Procrastinate's tables where they are missing.

    Raises `ConfigError` for a store that is no PostgreSQL, `Unavailable` where it cannot be reached.
    """
    url = context.settings.store.url
    if context.store.dialect != "postgresql":
        raise ConfigError(
            "the run engine procrastinate needs PostgreSQL",
            path="execution.engine",
            hint='set [store] url = "postgresql://…", or [execution] engine = "local"',
        )
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    try:
        await app.open_async()
    except exceptions.ConnectorException as error:
        raise Unavailable(f"Procrastinate cannot reach the store's PostgreSQL: {error}") from None
    try:
        await _make_tables(app)
        yield ProcrastinateEngine(app, config, context.clock)
    finally:
        await app.close_async()


async def _make_tables(app: procrastinate.App) -> None:
    if await app.check_connection_async():
        return
    try:
        await app.schema_manager.apply_schema_async()
    except exceptions.ConnectorException:
        # Another node may have made them at the same moment.
        if not await app.check_connection_async():
            raise Unavailable("Procrastinate's tables could not be made in the store's PostgreSQL") from None
