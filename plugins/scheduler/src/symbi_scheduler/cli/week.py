"""`symbi cron week`: a picture of the coming week, one row a schedule, one cell a quarter of a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from symbi.cli.output import json_option, print_json

__all__ = ["draw_week", "week_command"]

_CELLS = 4
_ASKED = 1000
_MARKS = " ·▪■█"


@click.command("week")
@json_option
@click.pass_context
def week_command(ctx: click.Context, as_json: bool) -> None:
    """Show which schedules fire in the next seven days, in UTC.

    Example: symbi cron week
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        schedules = [each for each in client.get("/schedules") if each["enabled"]]
        start = datetime.now(UTC)
        rows = [
            (each["name"], client.get(f"/schedules/{each['job_id']}/next", params={"count": _ASKED})["next_runs"])
            for each in schedules
        ]
    end = start + timedelta(days=7)
    week = [(name, [time for time in times if start <= _moment(time) < end]) for name, times in rows]
    if as_json:
        print_json(
            {
                "from": start.isoformat(timespec="seconds"),
                "schedules": [{"name": name, "next_runs": times} for name, times in week],
            }
        )
        return
    if not week:
        click.echo("no schedule is active; symbi cron add --help", err=True)
        return
    for line in draw_week(week, start):
        click.echo(line)


def draw_week(rows: list[tuple[str, list[str]]], start: datetime) -> list[str]:
    """Lines of the picture; a darker cell holds more fires (1, 2-5, 6-24, more)."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=place) for place in range(8)]
    width = min(28, max(8, *(len(name) for name, _ in rows)))
    head = " " * width + "".join(f" {day:%a %d}" + " " * max(0, _CELLS - 6) for day in days)
    lines = [head]
    for name, times in rows:
        cells = [0] * (8 * _CELLS)
        for time in times:
            cells[_cell(time, midnight)] += 1
        if len(times) >= _ASKED:  # more than could be asked for: it goes on like this
            last = _cell(times[-1], midnight)
            cells[last:] = [_ASKED] * (len(cells) - last)
        body = "".join(f"  {_bar(cells[place * _CELLS : (place + 1) * _CELLS])} " for place in range(8))
        lines.append(f"{name[:width]:<{width}}{body}")
    lines.append(f"{'':<{width}}each cell is six hours, UTC: · one fire, ▪ up to 5, ■ up to 24, █ more")
    return lines


def _cell(time: str, midnight: datetime) -> int:
    return int((_moment(time) - midnight).total_seconds() // (86400 / _CELLS))


def _bar(cells: list[int]) -> str:
    return "".join(_MARKS[0 if not n else 1 if n == 1 else 2 if n <= 5 else 3 if n <= 24 else 4] for n in cells)


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
