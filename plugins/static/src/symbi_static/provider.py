"""The analyzer as the review service sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from symbi.contracts.review import AnalysisReport, Submission
from symbi_static.config import StaticConfig
from symbi_static.pool import ChildPool

__all__ = ["StaticAnalyzer", "open_analyzer"]


class StaticAnalyzer:
    """`ReviewAnalyzer` over a pool of confined children."""

    def __init__(self, pool: ChildPool) -> None:
        self._pool = pool

    async def analyze(self, submission: Submission) -> AnalysisReport:
        """See `ReviewAnalyzer.analyze`."""
        return await self._pool.analyze(submission)


@asynccontextmanager
async def open_analyzer(config: StaticConfig, context: Any) -> AsyncIterator[StaticAnalyzer]:
    """Open the pool; children start on first use."""
    pool = ChildPool(size=config.children, deadline=config.deadline_seconds)
    try:
        yield StaticAnalyzer(pool)
    finally:
        await pool.close()
