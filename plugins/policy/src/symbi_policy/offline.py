"""Policies without a server: opens the engine, reads a directory, decides (for the commands)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from symbi.contracts.policy import Decision, PolicyRequest
from symbi.contracts.policy_engines import PolicyEngine
from symbi.contracts.policy_sets import SURFACES, PolicyReport
from symbi.kernel.kernel import Kernel
from symbi.kernel.points import POLICY_ENGINES
from symbi_policy.config import PolicyConfig
from symbi_policy.judge import Judge, deny_all
from symbi_policy.loader import ReadDirectory, read_directory
from symbi_policy.rates import RateCounter
from symbi_policy.sets import put_in_force
from symbi_policy.signature import load_public_key

if TYPE_CHECKING:
    from symbi.cli.state import CliState

__all__ = ["OfflinePolicies", "open_offline"]


class OfflinePolicies:
    """One policy directory, read and checked; decides as the gate would, with no record and no effect."""

    def __init__(self, engine: PolicyEngine, read: ReadDirectory, config: PolicyConfig, directory: Path) -> None:
        self.engine = engine
        self.directory = directory
        self.report: PolicyReport = put_in_force(engine, read)
        self.exists = read.exists
        self.files = read.files
        self.problem = _problem(self.report, read.exists, directory)
        self._judge = Judge(engine, config, RateCounter(time.monotonic), now_ms=lambda: time.time_ns() // 1_000_000)

    def decide(self, request: PolicyRequest) -> Decision:
        """Return the decision; with no usable policies, a denial that says why."""
        if self.problem:
            return deny_all(request, self.problem)
        return self._judge.judge(request, None)


@asynccontextmanager
async def open_offline(
    state: CliState, directory: Path | None = None, *, strict: bool = False, signed: bool = True
) -> AsyncIterator[OfflinePolicies]:
    """Open the configured engine on a directory (default: the configured one)."""
    settings = state.settings
    config = settings.section("policy", PolicyConfig)
    place = directory or settings.folder / config.directory
    kernel = Kernel(settings, manager=state.manager)
    offer = kernel.catalogue(POLICY_ENGINES).get(config.engine)
    read = read_directory(
        place,
        surfaces=(*SURFACES, *config.surfaces),
        suffixes=getattr(offer, "suffixes", (".cedar", ".json")),
        strict=strict or config.strict,
        public_key=load_public_key(settings.folder / config.public_key) if signed and config.public_key else None,
    )
    async with kernel.open(POLICY_ENGINES, config.engine) as engine:
        yield OfflinePolicies(engine, read, config, place)


def _problem(report: PolicyReport, exists: bool, directory: Path) -> str:
    if not exists:
        return f"there is no policy directory {directory}"
    first = next((each for each in report.findings if each.severity == "error"), None)
    if first is not None:
        place = f"{first.path}{f':{first.line}' if first.line else ''}"
        return f"the policies are refused: {place}: {first.message}"
    return "" if report.policies else f"the policy directory {directory} holds no policies"
