"""`symbi runs`: list, show, follow and cancel runs."""

from __future__ import annotations

import sys

import click

from symbi.cli.output import json_option, print_json, table

__all__ = ["runs"]


@click.group()
def runs() -> None:
    """List, show, follow and cancel runs."""


@runs.command("list")
@click.option("--agent", help="Only runs of this agent (id).")
@click.option("--status", multiple=True, help="Only runs in this state; may be given several times.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@json_option
@click.pass_context
def list_runs(ctx: click.Context, agent: str | None, status: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List runs, newest first.

    Example: symbi runs list --status failed --limit 10
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/runs", params={"agent_id": agent, "status": list(status) or None, "limit": limit})["runs"]
    if as_json:
        print_json({"runs": found})
        return
    rows = [[run["run_id"], run["agent"], run["status"], run["trigger"], run["created_at"], _why(run)] for run in found]
    table(["run", "agent", "status", "trigger", "created", "error"], rows, empty="no runs yet; symbi run FILE")


def _why(run: dict[str, object]) -> str:
    error = run["error"]
    return str(error.get("code", "")) if isinstance(error, dict) else ""


@runs.command()
@click.argument("run_id")
@json_option
@click.pass_context
def show(ctx: click.Context, run_id: str, as_json: bool) -> None:
    """Show one run with its journal.

    Example: symbi runs show 7b1f…
    """
    from symbi.cli.client import api
    from symbi_runs.cli.timeline import print_line

    with api(ctx) as client:
        run = client.get(f"/runs/{run_id}")
        events = client.get(f"/runs/{run_id}/events")["events"]
    if as_json:
        print_json({**run, "events": events})
        return
    for name in (
        "run_id",
        "agent",
        "status",
        "trigger",
        "principal",
        "attempt",
        "created_at",
        "started_at",
        "completed_at",
    ):
        click.echo(f"{name:13} {run[name] if run[name] is not None else '-'}")
    click.echo(
        "usage         " + ", ".join(f"{name} {value}" for name, value in run["usage"].items() if value is not None)
    )
    click.echo()
    for event in events:
        print_line(event)


@runs.command()
@click.argument("run_id")
@click.option("--reason", default="", help="Why; it is kept with the run.")
@json_option
@click.pass_context
def cancel(ctx: click.Context, run_id: str, reason: str, as_json: bool) -> None:
    """Ask a run to stop; it ends as terminated.

    Example: symbi runs cancel 7b1f… --reason "no longer needed"
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        answer = client.post(f"/runs/{run_id}/cancel", {"reason": reason})
    if as_json:
        print_json(answer)
        return
    click.echo(f"run {run_id} is being stopped")


@runs.command()
@click.argument("run_id")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Begin after this entry.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def tail(ctx: click.Context, run_id: str, after: int, as_json: bool) -> None:
    """Follow a run until it ends; exit code 1 when it does not complete.

    Example: symbi runs tail 7b1f…
    """
    import msgspec

    from symbi.cli.client import api
    from symbi_runs.cli.timeline import print_line

    status = ""
    with api(ctx) as client:
        for event in client.events(f"/runs/{run_id}/events", after=after):
            if event["event"] == "end":
                status = event["data"]["status"]
            elif event["event"] == "snapshot":
                continue
            elif as_json:
                click.echo(msgspec.json.encode(event["data"]).decode())
            else:
                print_line(event["data"])
    sys.exit(0 if status == "completed" else 1)
