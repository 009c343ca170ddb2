"""What this plugin offers: the executor `bwrap`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.executors import ExecutorOffer

__all__ = ["agent_executors"]


@hookimpl
def agent_executors() -> Iterable[ExecutorOffer]:
    """Offer a sandbox of Linux namespaces for each run."""
    from symbi.contracts.executors import ExecutorOffer

    yield ExecutorOffer(
        name="bwrap",
        config="symbi_bwrap.config:BwrapConfig",
        open="symbi_bwrap.executor:open_bwrap",
        summary="Runs each agent in a bubblewrap sandbox: own namespaces, read-only system, no network (tier 1).",
    )
