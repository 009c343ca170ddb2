"""`symbi cron next`: fire times of an expression, worked out here, with no server and no store."""

from __future__ import annotations

import sys
from typing import Any

import click

from symbi_scheduler.cli.computing import Asked, BadLine, answer_line, compute, now_seconds, read_after
from symbi_scheduler.cron.errors import CronError

__all__ = ["next_command"]


@click.command("next")
@click.argument("expression", required=False)
@click.option("--timezone", "--tz", default="UTC", show_default=True, help="IANA name, such as America/New_York.")
@click.option("--after", help="ISO 8601; only later times are shown. Now, if not given; UTC where no offset is given.")
@click.option("--count", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@click.option(
    "--dst-gap",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "skip", "next", "shift"]),
    help="For times that the clock jumps over.",
)
@click.option(
    "--dst-overlap",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "first", "last", "both"]),
    help="For times that come twice.",
)
@click.option(
    "--day-match",
    default="and",
    show_default=True,
    type=click.Choice(["and", "or"]),
    help="Whether day and weekday must both match.",
)
@click.option("--id", "seed", help="The schedule's id, which places H.")
@click.option("--batch", metavar="-", help="Read JSON lines from standard input (-) or a file, answer one line each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), help="The same as --json, by name.")
def next_command(
    expression: str | None,
    timezone: str,
    after: str | None,
    count: int,
    dst_gap: str,
    dst_overlap: str,
    day_match: str,
    seed: str | None,
    batch: str | None,
    as_json: bool,
    shape: str | None,
) -> None:
    """Show when an expression fires next.

    Six fields: second minute hour day month weekday, and an optional year.

    Example: symbi cron next "0 30 2 * * *" --timezone America/New_York --after 2026-03-08T00:00:00Z
    """
    if batch is not None:
        if expression is not None:
            raise click.UsageError("give an expression or --batch, not both")
        _run_batch(batch)
        return
    if expression is None:
        raise click.UsageError('an expression is needed, for example: symbi cron next "0 0 9 * * *"')
    as_json = as_json or shape == "json"
    asked = Asked(
        expression, timezone, count=count, dst_gap=dst_gap, dst_overlap=dst_overlap, day_match=day_match, seed=seed
    )
    try:
        moment = now_seconds() if after is None else read_after(after)
    except BadLine as error:
        _fail(error, as_json, status=2)
        return
    try:
        found = compute(asked, moment)
    except CronError as error:
        _fail(error, as_json, status=1)
        return
    if as_json:
        _print_json(found)
        return
    click.echo(found["description"], err=True)
    for warning in found["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    for time in found["next_runs"]:
        click.echo(time)


def _run_batch(source: str) -> None:
    try:
        stream: Any = sys.stdin.buffer if source == "-" else open(source, "rb")  # noqa: SIM115  # closed with the process
    except OSError as error:
        click.echo(f"error: {source}: {error.strerror}", err=True)
        sys.exit(2)
    out = sys.stdout.buffer
    for line in stream:
        if line.strip():
            out.write(answer_line(line) + b"\n")
            if source == "-":
                out.flush()
    out.flush()


def _fail(error: CronError, as_json: bool, *, status: int) -> None:
    if as_json:
        _print_json({"error": {"code": error.code, "message": str(error), "field": error.field}})
    else:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  try: {error.hint}", err=True)
    sys.exit(status)


def _print_json(value: Any) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()
