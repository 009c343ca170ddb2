"""The journal of one claimed run: numbers its events, writes them with the changes they belong to, and knows when it was fenced off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import Conflict
from symbi.contracts.runs import RunEvent
from symbi_runs.ledger import Ledger
from symbi_runs.statements import Change, StoredEffect

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock

__all__ = ["Fenced", "RunJournal"]

LOSSY_SECONDS = 0.25
Told = tuple[str, dict[str, Any]]


class Fenced(Conflict):
    """Another node has taken the run over: whatever this one still does for it counts for nothing."""

    code = "RUN_FENCED"


class RunJournal:
    """Events of one claim of a run; `broken` is called once when the claim is lost or the store refuses."""

    def __init__(
        self, run_id: str, *, fence: int, last_seq: int, ledger: Ledger, clock: Clock, broken: Callable[[str], None]
    ) -> None:
        self.run_id = run_id
        self.fence = fence
        self._last_seq = last_seq
        self._ledger = ledger
        self._clock = clock
        self._broken = broken
        self._lossy: list[Told] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def write(
        self,
        *events: Told,
        values: dict[str, Any] | None = None,
        begun: Sequence[StoredEffect] = (),
        ended: Sequence[StoredEffect] = (),
    ) -> None:
        """Write all of it in one transaction and return when it is durable; raises `Fenced`, or what the store raises."""
        if not await self._submit(events, values, begun, ended):
            self._break("another node has taken the run over")
            raise Fenced(f"the run {self.run_id} was taken over by another node")

    def post(self, *events: Told, values: dict[str, Any] | None = None, ended: Sequence[StoredEffect] = ()) -> None:
        """Hand it in without waiting; a failure breaks the claim."""
        self._submit(events, values, (), ended).add_done_callback(self._posted)

    def lossy(self, kind: str, data: dict[str, Any]) -> None:
        """Keep an event until the next write or a quarter of a second; of the steps only the last one counts."""
        if self._closed:
            return
        if kind == "step" and self._lossy and self._lossy[-1][0] == "step":
            self._lossy[-1] = (kind, data)
        elif len(self._lossy) < 1000:
            self._lossy.append((kind, data))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOSSY_SECONDS, self._flush)

    @property
    def closed(self) -> bool:
        """Tell that nothing more is written."""
        return self._closed

    def close(self) -> None:
        """Drop what is only lossy; nothing more is written."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self._timer = None
        if self._lossy and not self._closed:
            self.post()

    def _submit(
        self,
        events: Sequence[Told],
        values: dict[str, Any] | None,
        begun: Sequence[StoredEffect],
        ended: Sequence[StoredEffect],
    ) -> asyncio.Future[bool]:
        now = self._clock.now_ms()
        told = [*self._lossy, *events]
        self._lossy.clear()
        numbered = []
        for kind, data in told:
            self._last_seq += 1
            numbered.append(RunEvent(run_id=self.run_id, seq=self._last_seq, at=now, kind=kind, data=data))
        change = Change(
            run_id=self.run_id,
            fence=self.fence,
            values=values or {},
            events=numbered,
            begun=list(begun),
            ended=list(ended),
        )
        return self._ledger.change(change)

    def _posted(self, future: asyncio.Future[bool]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._break(f"the journal cannot be written: {error}")
        elif not future.result():
            self._break("another node has taken the run over")

    def _break(self, reason: str) -> None:
        if not self._closed:
            self.close()
            self._broken(reason)
