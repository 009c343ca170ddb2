"""`symbi metrics`: the snapshot, once or live."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from symbi.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["metrics"]

_BLOCKS = ("scheduler", "task_manager", "load_balancer", "system")


@click.command()
@json_option
@click.option("--watch", is_flag=True, help="Show it live until Ctrl-C.")
@click.option(
    "--interval",
    type=click.FloatRange(0.2, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two looks with --watch.",
)
@click.pass_context
def metrics(ctx: click.Context, as_json: bool, watch: bool, interval: float) -> None:
    """Show the metrics snapshot.

    Example: symbi metrics --watch
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        if as_json:
            print_json(client.get("/metrics"))
        elif watch:
            _watch(lambda: client.get("/metrics"), interval)
        else:
            console().print(_drawn(client.get("/metrics")))


def _watch(look: Any, interval: float) -> None:
    from rich.live import Live

    with Live(_drawn(look()), console=console(), refresh_per_second=4) as live:
        try:
            while True:
                time.sleep(interval)
                live.update(_drawn(look()))
        except KeyboardInterrupt:
            return


def _drawn(snapshot: dict[str, Any]) -> Table:
    from rich.table import Table

    drawn = Table(title=f"Symbi at {snapshot['timestamp']}", box=None, title_justify="left", header_style="bold")
    drawn.add_column("block")
    drawn.add_column("figure")
    drawn.add_column("value", justify="right")
    blocks = [
        *_BLOCKS,
        *sorted(name for name, value in snapshot.items() if isinstance(value, dict) and name not in _BLOCKS),
    ]
    for block in blocks:
        for number, (name, value) in enumerate(snapshot.get(block, {}).items()):
            drawn.add_row(block if number == 0 else "", name, _shown(name, value))
    return drawn


def _shown(name: str, value: Any) -> str:
    if name.endswith("_bytes") and isinstance(value, int):
        return f"{value / 2**20:,.1f} MiB"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
