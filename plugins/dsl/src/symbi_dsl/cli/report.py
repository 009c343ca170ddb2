"""Diagnostics for people: the place, what is wrong, the line with a caret, and what to do."""

from __future__ import annotations

import click

from symbi.contracts.definitions import Diagnostic
from symbi_dsl.cli.files import shown_path

__all__ = ["print_diagnostics"]


def print_diagnostics(path: str, diagnostics: tuple[Diagnostic, ...], *, lines: list[str]) -> None:
    """Print diagnostics on stderr; `lines` are the lines of the text."""
    path = shown_path(path)
    for item in diagnostics:
        colour = "red" if item.severity == "error" else "yellow"
        head = click.style(f"{item.severity} {item.code}", fg=colour, bold=True)
        click.echo(f"{path}:{item.line}:{item.column}: {head}: {item.message}", err=True)
        _excerpt(item, lines, colour)
        for place in item.related:
            click.echo(f"      {place['message']} at {place['line']}:{place['column']}", err=True)
        if item.hint:
            click.echo(f"      {click.style('try', bold=True)}: {item.hint}", err=True)


def _excerpt(item: Diagnostic, lines: list[str], colour: str) -> None:
    if not item.snippet.strip():
        return
    click.echo(f"{item.line:5} | {item.snippet}", err=True)
    full = lines[item.line - 1] if item.line <= len(lines) else ""
    if len(full) <= 80 and full.isprintable():
        same_line = item.end_line == item.line
        width = max(1, (item.end_column if same_line else len(full) + 1) - item.column)
        caret = "^" * min(width, max(1, len(full) - item.column + 1))
        click.echo(f"      | {' ' * (item.column - 1)}{click.style(caret, fg=colour, bold=True)}", err=True)
