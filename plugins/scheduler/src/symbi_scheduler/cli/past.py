"""`symbi cron history|backfill`: what became of fires, and running those that never ran."""

from __future__ import annotations

import click

from symbi.cli.output import json_option, print_json, table

__all__ = ["backfill_command", "history_command"]


@click.command("history")
@click.argument("schedule")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@json_option
@click.pass_context
def history_command(ctx: click.Context, schedule: str, limit: int, as_json: bool) -> None:
    """Show what became of each fire of a schedule, the skipped and missed ones included (id or name).

    Example: symbi cron history daily-report --limit 50
    """
    from symbi.cli.client import api
    from symbi_scheduler.cli.finding import id_of

    with api(ctx) as client:
        found = client.get(f"/schedules/{id_of(client, schedule)}/history", params={"limit": limit, "detail": "true"})
    if as_json:
        print_json(found)
        return
    rows = [
        [
            each["scheduled_for"],
            each["trigger"],
            each["status"] + (f" ×{each['count']}" if each["count"] > 1 else ""),
            str(each["attempt"]),
            "-" if each["lateness_ms"] is None else f"{each['lateness_ms']} ms",
            "-" if each["execution_time_ms"] is None else f"{each['execution_time_ms'] / 1000:.1f} s",
            each["error"] or each["reason"] or "",
        ]
        for each in found["history"]
    ]
    table(["scheduled for", "trigger", "status", "attempt", "late", "took", "why"], rows, empty="it has not fired yet")


@click.command("backfill")
@click.argument("schedule")
@click.option("--from", "start", required=True, help="ISO 8601, included.")
@click.option("--to", "end", required=True, help="ISO 8601, not included.")
@click.option("--dry-run", is_flag=True, help="Only show what would run.")
@json_option
@click.pass_context
def backfill_command(ctx: click.Context, schedule: str, start: str, end: str, dry_run: bool, as_json: bool) -> None:
    """Run the fires of a past range that never ran (id or name).

    Example: symbi cron backfill daily-report --from 2026-03-07 --to 2026-03-10 --dry-run
    """
    from symbi.cli.client import api
    from symbi_scheduler.cli.finding import id_of

    with api(ctx) as client:
        body = {"from": start, "to": end, "dry_run": dry_run}
        found = client.post(f"/schedules/{id_of(client, schedule)}/backfill", body)
    if as_json:
        print_json(found)
        return
    for time in found["scheduled_for"]:
        click.echo(time)
    word = "would run" if dry_run else "were queued"
    click.echo(f"{len(found['scheduled_for'])} fires {word}, {found['already_there']} had run before", err=True)
