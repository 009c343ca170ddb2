"""Run engines: what decides which queued run is taken by which node, and when. The store stays the truth: a claim there decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["QueuedRun", "RunEngine", "RunNode"]


class QueuedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One queued run: whose it is, since when it waits, and what it needs.

    The smallest `rank` comes first: the moment it was queued in milliseconds, minus the head start of its priority. It must not be taken before
    `not_before` (UTC milliseconds, 0 = at once). `memory_bytes` and `cores` (in thousandths) are what it reserves. `depth` is above 0 for a run that
    another one waits for: it needs no slot of its own.
    """

    run_id: str
    agent_id: str
    principal_id: str
    rank: int
    not_before: int = 0
    memory_bytes: int = 0
    cores: int = 0
    depth: int = 0


class RunNode(Protocol):
    """The node that an engine serves: it carries out runs and knows how much room it has."""

    @property
    def shared(self) -> bool:
        """Tell whether other nodes take runs from the same store."""

    def reserve(self, run: QueuedRun) -> bool:
        """Keep room for the run; False where there is none at present, or where the node takes no more runs.

        A run that can never fit is let through, since carrying it out fails with a reason.
        """

    async def take(self, runs: Sequence[QueuedRun]) -> Sequence[str]:
        """Claim runs for which room was kept, carry them out in the background, and return the ids of those that were claimed.

        The room of the others (claimed elsewhere, or ended) is freed. Raises what the store raises, and then all of it is freed.
        """

    async def queued(self) -> Sequence[QueuedRun]:
        """Return the runs that are queued in the store, best rank first."""


class RunEngine(Protocol):
    """An opened engine. `add`, `remove`, `done` and `wake` only take note and return at once."""

    def __len__(self) -> int:
        """Return how many runs wait here."""

    def add(self, run: QueuedRun) -> None:
        """Take note of a queued run; one that waits here already, or is under way, is left as it is."""

    def remove(self, run_id: str) -> None:
        """Forget a run that is not queued any more; an unknown one is ignored."""

    def done(self, run_id: str) -> None:
        """Take note that a run which was taken here is over; an unknown one is ignored."""

    def wake(self) -> None:
        """Look again: room was freed."""

    async def serve(self, node: RunNode) -> None:
        """Reserve and take runs for the node, each once and none too early, until cancelled; a failing store is waited out."""
