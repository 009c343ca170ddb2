"""`symbi dsl check`: the diagnostics of agent definitions."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import click

from symbi.contracts.definitions import Diagnostic, ParsedDefinition
from symbi_dsl.cli.files import Unreadable, find_files, read_bytes, shown_path
from symbi_dsl.cli.report import print_diagnostics
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.limits import DEFAULT_LIMITS

__all__ = ["check"]

_MANY = 100


@click.command(epilog="Example: symbi dsl check agents/ examples/hello.symbi --json")
@click.argument("paths", metavar="FILE…", nargs=-1)
@click.option("--project", metavar="DIR", help="Check all definitions of a project, references between them included.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def check(paths: tuple[str, ...], project: str | None, as_json: bool) -> None:
    """Check agent definitions; a folder stands for every .symbi and .dsl file below it.

    Files stand alone unless --project is given. Exits 1 where something is wrong, 2 where a file can not be read.
    """
    if not paths and project is None:
        raise click.UsageError("name at least one file or folder, or give --project DIR")
    files, unreadable = _read([*paths, *([project] if project else [])])
    parsed = _parse(files, cross=project is not None)
    if as_json:
        from symbi.cli.output import print_json

        print_json({"files": [_entry(item) for item in parsed]})
    else:
        _print(files, parsed)
    for problem in unreadable:
        click.echo(f"error: {problem}", err=True)
    if unreadable:
        sys.exit(2)
    if not parsed:
        click.echo("no agent definitions found", err=True)
    sys.exit(0 if all(item.ok for item in parsed) else 1)


def _read(paths: list[str]) -> tuple[dict[str, bytes], list[str]]:
    files: dict[str, bytes] = {}
    problems: list[str] = []
    for path in find_files(paths):
        try:
            files[path] = read_bytes(path, most=DEFAULT_LIMITS.source)
        except Unreadable as error:
            problems.append(str(error))
    return files, problems


def _parse(files: dict[str, bytes], *, cross: bool) -> list[ParsedDefinition]:
    if len(files) >= _MANY and sys.stderr.isatty():
        with click.progressbar(list(files), label="checking", file=sys.stderr) as names:
            parsed = [parse_definition(files[path], path=path) for path in names]
    else:
        parsed = [parse_definition(text, path=path) for path, text in files.items()]
    return _across(files, parsed) if cross else parsed


def _across(files: dict[str, bytes], parsed: list[ParsedDefinition]) -> list[ParsedDefinition]:
    """Check references between files, and that no two files declare the same agent."""
    agents = Counter(agent.name for item in parsed for agent in item.agents)
    known = frozenset(agents)
    first: dict[str, str] = {}
    found: list[ParsedDefinition] = []
    for item in parsed:
        again = parse_definition(files[item.path], path=item.path, agents=known) if _refers(item) else item
        twice = [_twice(agent, first) for agent in item.agents if first.setdefault(agent.name, item.path) != item.path]
        found.append(_with(again, twice))
    return found


def _refers(item: ParsedDefinition) -> bool:
    return any(each.code == "E408" for each in item.diagnostics)


def _twice(agent: Any, first: dict[str, str]) -> Diagnostic:
    message = f"agent '{agent.name}' is declared in {shown_path(first[agent.name])} too"
    place = {"line": agent.line, "column": 1, "end_line": agent.line, "end_column": 1}
    return Diagnostic(severity="error", code="E401", message=message, hint="give one of them another name", **place)


def _with(item: ParsedDefinition, more: list[Diagnostic]) -> ParsedDefinition:
    if not more:
        return item
    import msgspec

    return msgspec.structs.replace(item, diagnostics=(*item.diagnostics, *more))


def _entry(item: ParsedDefinition) -> dict[str, Any]:
    return {"path": shown_path(item.path), "ok": item.ok, "diagnostics": [each.view() for each in item.diagnostics]}


def _print(files: dict[str, bytes], parsed: list[ParsedDefinition]) -> None:
    errors = warnings = 0
    for item in parsed:
        wrong = len(item.errors)
        errors, warnings = errors + wrong, warnings + len(item.diagnostics) - wrong
        if item.diagnostics:
            lines = files[item.path].decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
            print_diagnostics(item.path, item.diagnostics, lines=lines)
    if not parsed:
        return
    bad = sum(not item.ok for item in parsed)
    what = f"{len(parsed)} file{'s' if len(parsed) != 1 else ''}"
    verdict = f"{bad} of {what} not good" if bad else f"{what} good"
    click.echo(f"{verdict}: {errors} errors, {warnings} warnings", err=True)
