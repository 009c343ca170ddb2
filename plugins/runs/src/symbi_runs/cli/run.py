"""`symbi run`: one run here, under policy, with its timeline as it happens."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symbi.cli.output import error_exit, json_option, print_json
from symbi.contracts.errors import NotFound

if TYPE_CHECKING:
    from symbi.cli.state import CliState

__all__ = ["run"]


@click.command()
@click.argument("file_or_name")
@click.option("--input", "given", help="The input as JSON, or @FILE; text that is no JSON is taken as it is.")
@click.option("--agent", "chosen", help="Which agent of the file, where it declares several.")
@click.option("--timeout", type=click.FloatRange(min=0.1), help="Stop it after so many seconds.")
@json_option
@click.pass_context
def run(
    ctx: click.Context, file_or_name: str, given: str | None, chosen: str | None, timeout: float | None, as_json: bool
) -> None:
    """Run an agent, from a file or by its registered name, and watch what it does.

    Exit code 0: completed; 1: failed, or denied to the end; 2: wrong usage.

    Example: symbi run agents/hello.symbi --input '{"name": "Ada"}'
    """
    from symbi.cli.client import running_server
    from symbi.cli.state import state_of

    state = state_of(ctx)
    asked: dict[str, Any] = {"input": _read_input(given), "timeout_seconds": timeout}
    path = Path(file_or_name)
    if path.is_file():
        asked.update({"definition": _read_text(path), "name": chosen or ""})
    elif path.suffix and not path.exists() and ("/" in file_or_name or path.suffix == ".symbi"):
        error_exit(f"no file {file_or_name!r}", hint="symbi agents list shows what is registered")
    else:
        asked.update({"definition": None, "name": file_or_name})
    there = running_server(state.settings.data_dir) is not None
    try:
        final, events = _there(ctx, asked, as_json) if there else _here(state, asked, as_json)
    except NotFound as error:
        error_exit(error.message, hint=error.hint, code=2)
        raise
    if as_json:
        shown = {name: final[name] for name in ("run_id", "agent", "status", "result", "error")}
        print_json({**shown, "usage": final["usage"], "events": events})
    sys.exit(0 if final["status"] == "completed" else 1)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        error_exit(f"{path} cannot be read: {error}")
        raise


def _read_input(given: str | None) -> Any:
    if given is None:
        return None
    if given.startswith("@"):
        given = sys.stdin.read() if given == "@-" else _read_text(Path(given[1:]))
    try:
        return json.loads(given)
    except json.JSONDecodeError as error:
        if given.lstrip()[:1] in ("{", "["):
            error_exit(f"--input is no JSON: {error}")
        return given


def _there(ctx: click.Context, asked: dict[str, Any], quiet: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Have the running server do it, and follow it over the stream."""
    from symbi.cli.client import api

    body = {name: asked[name] for name in ("definition", "input", "timeout_seconds")}
    body["agent"] = asked["name"] or None
    events: list[dict[str, Any]] = []
    with api(ctx) as client:
        started = client.post("/runs", {**body, "surface": "cli"})
        for event in _entries(client.events(f"/runs/{started['run_id']}/events")):
            _take(event, events, quiet)
        return client.get(f"/runs/{started['run_id']}"), events


def _entries(stream: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for event in stream:
        if event["event"] not in ("snapshot", "end"):
            yield event["data"]


def _take(event: dict[str, Any], events: list[dict[str, Any]], quiet: bool) -> None:
    from symbi_runs.cli.timeline import print_line

    events.append(event)
    if not quiet:
        print_line(event)


def _here(state: CliState, asked: dict[str, Any], quiet: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return asyncio.run(_run_here(state, asked, quiet))


async def _run_here(state: CliState, asked: dict[str, Any], quiet: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from symbi.contracts.principal import LOCAL_ADMIN
    from symbi.contracts.runs import RunOptions, RunService
    from symbi.kernel.kernel import Kernel
    from symbi_runs.wire import shown_event, shown_run

    events: list[dict[str, Any]] = []
    # Only this run is carried out here; what else is queued or due waits for the server.
    state.settings.environ.update({"SYMBI_ROLE": "command", "SYMBI_RUNS": "own"})
    async with Kernel(state.settings, manager=state.manager) as kernel:
        runs = kernel.services.get(RunService)
        options = RunOptions(
            trigger="cli", definition=asked["definition"], timeout_seconds=asked["timeout_seconds"], surface="run"
        )
        view = await runs.start(asked["name"], asked["input"], principal=LOCAL_ADMIN, options=options)
        try:
            async for event in runs.events(view.run_id):
                _take(shown_event(event), events, quiet)
        except asyncio.CancelledError:
            await runs.cancel(view.run_id, principal=LOCAL_ADMIN, reason="interrupted at the terminal")
            raise
        return shown_run(await runs.get(view.run_id)), events
