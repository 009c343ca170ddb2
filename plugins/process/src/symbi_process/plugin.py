"""What this plugin offers: the executor `process`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.executors import ExecutorOffer
    from symbi.contracts.offers import HealthCheck

__all__ = ["agent_executors", "health_checks"]


@hookimpl
def agent_executors() -> Iterable[ExecutorOffer]:
    """Offer a confined child process for each run."""
    from symbi.contracts.executors import ExecutorOffer

    yield ExecutorOffer(
        name="process",
        config="symbi_process.config:ProcessConfig",
        open="symbi_process.executor:open_process",
        summary="Runs each agent in a child process of its own: limits, clean environment, no network, nothing left behind.",
    )


@hookimpl
def health_checks() -> Iterable[HealthCheck]:
    """Say what this machine offers to confine a process."""
    from symbi.contracts.offers import HealthCheck

    yield HealthCheck(name="process", check="symbi_process.health:check_process")
