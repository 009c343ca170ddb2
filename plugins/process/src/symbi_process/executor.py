"""The executor `process`: prepares the folder and the plan of a child, has the warden start it, and hands back its execution."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from symbi.contracts.errors import InvalidRequest, Unavailable
from symbi.contracts.executors import EffectSink, ExecutionJob, Notify
from symbi_process import seccomp
from symbi_process.config import ProcessConfig
from symbi_process.confine import Confinement
from symbi_process.execution import ProcessExecution
from symbi_process.frames import Job, encode
from symbi_process.link import WardenLink
from symbi_process.monitor import watch
from symbi_process.users import UserPool, python_is_reachable

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi.kernel.context import PluginContext

__all__ = ["ProcessExecutor", "open_process"]

HOST_MODULES = (
    "symbi_process.host",
    "symbi.contracts.languages",
    "symbi.contracts.effects",
    "symbi.contracts.executors",
)


class ProcessExecutor:
    """Implements `symbi.contracts.executors.AgentExecutor` with one child process for each execution."""

    def __init__(self, config: ProcessConfig, *, clock: Clock, preload: tuple[str, ...] = ()) -> None:
        self._config = config
        self._clock = clock
        modules = tuple(dict.fromkeys((*HOST_MODULES, *preload, *config.preload)))
        self._link = WardenLink(preload=modules, import_folders=config.import_folders)
        drop = python_is_reachable() if config.drop_user is None else config.drop_user
        self._users = UserPool(config.user_base) if drop and os.geteuid() == 0 else None
        self.executions: set[ProcessExecution] = set()

    @property
    def tiers(self) -> frozenset[str]:
        """The tiers it answers for: no isolation of its own beyond limits and the system call filter."""
        return frozenset(self._config.tiers)

    @property
    def warden_pid(self) -> int | None:
        """The process id of the warden, if it runs."""
        return self._link.pid

    def warm_up(self) -> None:
        """Start the warden, so that the first run finds it ready; raises `Unavailable`."""
        self._link.ensure()

    async def start(self, job: ExecutionJob, *, effects: EffectSink, notify: Notify) -> ProcessExecution:
        """Start the job in a child of its own; raises `Unavailable` rather than run it less confined than asked."""
        self._refuse_what_cannot_be(job)
        user = self._users.take() if self._users is not None else None
        try:
            return await self._start(job, effects, notify, user)
        except BaseException:
            if self._users is not None and user is not None:
                self._users.give_back(user)
            raise

    def _refuse_what_cannot_be(self, job: ExecutionJob) -> None:
        if job.tier not in self.tiers:
            offered = ", ".join(sorted(self.tiers))
            raise Unavailable(f"the executor provides {offered}, and the run needs {job.tier}")
        if not job.limits.network and not self._config.launcher and not seccomp.available():
            raise Unavailable(
                "this machine's architecture has no known system call filter, so the network cannot be closed"
            )
        if any(bad in key for key in job.environment for bad in ("=", "\0")):
            raise InvalidRequest("a name in the run's environment is malformed")

    async def _start(
        self, job: ExecutionJob, effects: EffectSink, notify: Notify, user: int | None
    ) -> ProcessExecution:
        folder = _prepare_folder(job.working_folder, user)
        frame = encode(Job(job, self._config.heartbeat_seconds, self._config.frame_bytes))
        if len(frame) > self._config.frame_bytes:
            raise InvalidRequest(f"the job of {len(frame)} bytes is over the limit of {self._config.frame_bytes}")
        if self._config.warm and not self._config.launcher:
            self._link.preload(job.entry.partition(":")[0])
        execution = ProcessExecution(
            job, config=self._config, clock=self._clock, link=self._link, effects=effects, notify=notify
        )

        def ended(died: object) -> None:
            self.executions.discard(execution)
            if self._users is not None and user is not None:
                self._users.give_back(user)

        await self._connect(execution, self._plan(job, folder, user), frame)
        self.executions.add(execution)
        execution.when_over(ended)
        return execution

    async def _connect(self, execution: ProcessExecution, plan: Confinement, frame: bytes) -> None:
        ours, theirs = socket.socketpair()
        output_read, output_write = os.pipe()
        try:
            execution.attach_output(output_read)
            ours.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.create_unix_connection(lambda: execution, sock=ours)
            identity, pid = await self._link.spawn(
                plan,
                command=self._command(plan.folder, network=plan.network),
                channel=theirs.fileno(),
                output=output_write,
                ended=execution.ended,
            )
            execution.begin(identity, pid)
            execution.send_job(frame)
        except BaseException:
            execution.ended(None)
            raise
        finally:
            theirs.close()
            os.close(output_write)

    def _command(self, folder: str, *, network: bool) -> tuple[str, ...]:
        """Return the command of a cold start, or nothing for a warm one."""
        if self._config.warm and not self._config.launcher:
            return ()
        words = {"{folder}": folder, "{python}": sys.executable}
        optional = {"{network:--share-net}": "--share-net" if network else ""}
        launcher = tuple(
            word for word in (optional.get(word, words.get(word, word)) for word in self._config.launcher) if word
        )
        return (*launcher, sys.executable, "-I", "-m", "symbi_process.host", *self._config.import_folders)

    def _plan(self, job: ExecutionJob, folder: str, user: int | None) -> Confinement:
        limits, config = job.limits, self._config
        base = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        places = {"HOME": folder, "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        return Confinement(
            folder=folder,
            environment={**base, **config.environment, **job.environment, **places},
            memory_bytes=limits.memory_bytes or config.memory_bytes,
            cpu_seconds=limits.cpu_seconds or config.cpu_seconds,
            cpu_cores=limits.cpu_cores,
            processes=limits.processes or config.processes,
            open_files=limits.open_files or config.open_files,
            file_bytes=limits.file_bytes or config.file_bytes,
            network=limits.network,
            user=user,
            filter=not config.launcher and seccomp.available(),
        )

    async def close(self) -> None:
        """End every execution by force and the warden with them."""
        await self._link.close()
        for execution in list(self.executions):
            await execution.wait()


def _prepare_folder(path: str, user: int | None) -> str:
    folder = Path(path).absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or not folder.is_dir():
            raise Unavailable(f"the working folder {str(folder)!r} is no folder")
        folder.chmod(0o700)
        if user is not None:
            os.chown(folder, user, user)
    except OSError as error:
        raise Unavailable(f"the working folder {str(folder)!r} cannot be prepared: {error}") from None
    return str(folder)


@contextlib.asynccontextmanager
async def open_process(config: ProcessConfig, context: PluginContext) -> AsyncIterator[ProcessExecutor]:
    """Open the executor; a warm one starts its warden now, a cold one with the first run."""
    from symbi_process.preload import interpreters

    clock = context.clock
    executor = ProcessExecutor(config, clock=clock, preload=interpreters(context))
    watcher = asyncio.create_task(watch(executor.executions, config=config, clock=clock), name="process monitor")
    try:
        if config.warm:
            executor.warm_up()
        yield executor
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        await executor.close()
