"""A few warm confined children, and what becomes of those that die, hang or lie."""

from __future__ import annotations

import asyncio
import os
import struct
import sys

import msgspec

from symbi.contracts.review import AnalysisReport, Finding, Submission
from symbi_static import __version__

__all__ = ["ChildPool", "incomplete"]

_MOST_REPORT = 32 << 20


def incomplete(reason: str) -> AnalysisReport:
    """The report on a submission that could not be analyzed: high, and never a pass (toolreview.md §1.3)."""
    finding = Finding(
        rule="not-analyzed",
        category="analysis_incomplete",
        severity="high",
        title="The submission could not be analyzed",
        description=reason,
        recommendation="Submit smaller, plainer source; a person must look at it.",
        where="source",
        line=1,
        end_line=1,
        fingerprint="not-analyzed",
        analyzer="static",
    )
    return AnalysisReport(analyzer="static", version=__version__, complete=False, findings=(finding,))


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, deadline: float) -> _Child:
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "2"}
        paths = [path for path in sys.path if path]
        code = f"import sys; sys.path[:] = {paths!r}; from symbi_static.child import main; main()"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            code,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        child = cls(process)
        try:
            async with asyncio.timeout(deadline):
                await child._frame()
        except (TimeoutError, asyncio.IncompleteReadError, OSError):
            await child.kill()
            raise
        return child

    async def _frame(self) -> bytes:
        assert self.process.stdout is not None
        size = struct.unpack(">I", await self.process.stdout.readexactly(4))[0]
        if size > _MOST_REPORT:
            raise OSError("the child sent too much")
        return await self.process.stdout.readexactly(size)

    async def ask(self, body: bytes) -> bytes:
        assert self.process.stdin is not None
        self.process.stdin.write(struct.pack(">I", len(body)) + body)
        await self.process.stdin.drain()
        return await self._frame()

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class ChildPool:
    """At most `size` children at a time; a child that fails is killed and replaced."""

    def __init__(self, *, size: int, deadline: float) -> None:
        self._free: list[_Child] = []
        self._slots = asyncio.Semaphore(size)
        self._deadline = deadline
        self._closed = False

    async def analyze(self, submission: Submission) -> AnalysisReport:
        """Analyze in a child; a crash, a limit or the deadline gives an incomplete report."""
        try:
            body = msgspec.msgpack.encode(submission)
        except UnicodeEncodeError:
            return incomplete("The text holds lone surrogates, which no encoding can carry.")
        async with self._slots:
            try:
                child = self._free.pop() if self._free else await _Child.start(20.0)
            except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
                return incomplete(f"The analyzer's child did not start: {type(error).__name__}.")
            good = False
            try:
                async with asyncio.timeout(self._deadline):
                    answer = await child.ask(body)
                report = msgspec.msgpack.decode(answer, type=AnalysisReport)
                good = True
                return report
            except TimeoutError:
                return incomplete(f"The analysis took longer than {self._deadline:g} seconds.")
            except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError):
                return incomplete("The analysis hit a limit of time or memory.")
            finally:
                if good and not self._closed:
                    self._free.append(child)
                else:
                    await child.kill()

    async def close(self) -> None:
        """Kill all children."""
        self._closed = True
        while self._free:
            await self._free.pop().kill()
