"""`symbi cron list|show|pause|resume|reset|remove|trigger`."""

from __future__ import annotations

from typing import Any

import click

from symbi.cli.output import json_option, print_json, table

__all__ = [
    "list_command",
    "pause_command",
    "remove_command",
    "reset_command",
    "resume_command",
    "show_command",
    "trigger_command",
]


@click.command("list")
@click.option(
    "--status", type=click.Choice(["active", "paused", "completed", "failed", "dead_letter"]), help="Only these."
)
@json_option
@click.pass_context
def list_command(ctx: click.Context, status: str | None, as_json: bool) -> None:
    """List the schedules.

    Example: symbi cron list --status active
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/schedules", params={"status": status, "detail": "true"})
    if as_json:
        print_json({"schedules": found})
        return
    rows = [
        [
            each["name"],
            each["status"],
            each["cron_expression"],
            each["timezone"],
            each["next_run"] or "-",
            str(each["run_count"]),
            each["agent_name"],
            each["job_id"],
        ]
        for each in found
    ]
    table(
        ["name", "status", "expression", "timezone", "next run", "runs", "agent", "id"],
        rows,
        empty="no schedule yet; symbi cron add --help",
    )


@click.command("show")
@click.argument("schedule")
@json_option
@click.pass_context
def show_command(ctx: click.Context, schedule: str, as_json: bool) -> None:
    """Show everything about one schedule (id or name).

    Example: symbi cron show daily-report
    """
    from symbi.cli.client import api
    from symbi_scheduler.cli.finding import id_of

    with api(ctx) as client:
        found = client.get(f"/schedules/{id_of(client, schedule)}", params={"detail": "true"})
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if value not in (None, [], {}):
            click.echo(f"{name:<16} {value}")


def _action(name: str, summary: str, example: str) -> click.Command:
    @click.command(name, help=f"{summary}\n\nExample: {example}")
    @click.argument("schedule")
    @json_option
    @click.pass_context
    def command(ctx: click.Context, schedule: str, as_json: bool) -> None:
        _act(ctx, schedule, name, {}, as_json)

    return command


pause_command = _action("pause", "Stop a schedule from firing (id or name).", "symbi cron pause daily-report")
reset_command = _action(
    "reset", "Forget the failures of a schedule; one that was given up fires again.", "symbi cron reset daily-report"
)


@click.command("resume")
@click.argument("schedule")
@click.option("--catch-up", is_flag=True, help="Count the pause as missed time and catch up as the schedule says.")
@json_option
@click.pass_context
def resume_command(ctx: click.Context, schedule: str, catch_up: bool, as_json: bool) -> None:
    """Let a paused schedule fire again (id or name).

    Example: symbi cron resume daily-report
    """
    _act(ctx, schedule, "resume", {"catch_up": catch_up}, as_json)


@click.command("trigger")
@click.argument("schedule")
@click.option("--force", is_flag=True, help="Also while the overlap policy forbids it.")
@json_option
@click.pass_context
def trigger_command(ctx: click.Context, schedule: str, force: bool, as_json: bool) -> None:
    """Fire a schedule once, now (id or name).

    Example: symbi cron trigger daily-report
    """
    _act(ctx, schedule, "trigger", {"force": force}, as_json)


@click.command("remove")
@click.argument("schedule")
@json_option
@click.pass_context
def remove_command(ctx: click.Context, schedule: str, as_json: bool) -> None:
    """Delete a schedule (id or name); a run of it that is under way goes on.

    Example: symbi cron remove daily-report
    """
    from symbi.cli.client import api
    from symbi_scheduler.cli.finding import id_of

    with api(ctx) as client:
        found = client.delete(f"/schedules/{id_of(client, schedule)}")
    _say(found, f"removed {schedule}", as_json)


def _act(ctx: click.Context, schedule: str, action: str, body: dict[str, Any], as_json: bool) -> None:
    from symbi.cli.client import api
    from symbi_scheduler.cli.finding import id_of

    with api(ctx) as client:
        found = client.post(f"/schedules/{id_of(client, schedule)}/{action}", body or None)
    _say(found, f"{found['action']} {schedule}", as_json)


def _say(answer: Any, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(sentence)
