"""`symbi worker`: a node that takes runs from a shared store."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from symbi.cli.output import error_exit, warn

if TYPE_CHECKING:
    from symbi.cli.state import CliState

__all__ = ["worker"]


@click.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Take runs from a shared store (PostgreSQL) until SIGTERM or Ctrl-C, without serving the API.

    Example: symbi --config node2.toml worker
    """
    from symbi.cli.logs import set_up_logging
    from symbi.cli.state import state_of

    state = state_of(ctx)
    if not state.settings.store.url.startswith("postgresql"):
        error_exit("a worker needs a store that several nodes share", hint='set [store] url = "postgresql://…"')
    set_up_logging("info", as_json=False)
    asyncio.run(_serve(state))


async def _serve(state: CliState) -> None:
    from symbi.contracts.runs import RunService
    from symbi.kernel.kernel import Kernel

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Kernel(state.settings, manager=state.manager) as kernel:
        kernel.services.get(RunService)
        click.echo(f"worker on {kernel.data_dir} takes runs")
        await stop.wait()
        warn("stopping: waiting for what runs")
    warn("stopped")
