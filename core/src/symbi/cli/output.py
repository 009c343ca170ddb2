"""Output: one JSON document on stdout for programs, everything for people on stderr or in plain words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "error_exit", "json_option", "print_json", "table", "warn"]

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def print_json(value: Any) -> None:
    """Print `value` (structs included) as one indented JSON document on stdout."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def console(*, stderr: bool = False) -> Console:
    """Return a rich console for stdout (or stderr), plain in a pipe."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=not sys.stdout.isatty())


def table(
    columns: list[str], rows: list[list[str]], *, title: str | None = None, empty: str = "nothing to show"
) -> None:
    """Print rows as a table: aligned on a terminal, tab-separated in a pipe."""
    if not rows:
        click.echo(empty, err=True)
        return
    if not sys.stdout.isatty():
        click.echo("\n".join("\t".join(row) for row in [columns, *rows]))
        return
    from rich.table import Table

    drawn = Table(*columns, title=title, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*row)
    console().print(drawn)


def warn(message: str) -> None:
    """Print one line for people on stderr."""
    click.echo(message, err=True)


def error_exit(message: str, *, hint: str | None = None, code: int = 2) -> None:
    """Print an error with its next step on stderr and end the command with an exit code."""
    click.echo(f"{click.style('error', fg='red', bold=True)}: {message}", err=True)
    if hint:
        click.echo(f"  {click.style('try', bold=True)}: {hint}", err=True)
    sys.exit(code)
