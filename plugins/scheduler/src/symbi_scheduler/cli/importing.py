"""`symbi cron import`: takes over the schedules of an upstream database and reports what it changed."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import click

from symbi.cli.output import error_exit, json_option, print_json, table

__all__ = ["import_command"]


@click.command("import")
@click.argument("database", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show what would be made.")
@json_option
@click.pass_context
def import_command(ctx: click.Context, database: Path, dry_run: bool, as_json: bool) -> None:
    """Make the schedules of an upstream cron_jobs.db here; its weekdays (1 = Sunday) become names.

    Example: symbi cron import ~/.local/share/symbi/cron_jobs.db --dry-run
    """
    from symbi.cli.client import api
    from symbi_scheduler.upstream import read_upstream

    try:
        jobs = read_upstream(database)
    except (OSError, sqlite3.Error) as error:
        error_exit(f"{database}: {error}", hint="give the path of an upstream cron_jobs.db", code=2)
        sys.exit(2)
    good = [job for job in jobs if not job.fault]
    made = {}
    if good and not dry_run:
        with api(ctx) as client:
            made = {job.name: client.post("/schedules", job.request)["job_id"] for job in good}
    if as_json:
        print_json(
            {
                "jobs": [
                    {"name": job.name, "job_id": made.get(job.name), "changes": job.changes, "fault": job.fault or None}
                    for job in jobs
                ]
            }
        )
    else:
        rows = [
            [
                job.name,
                job.request["cron_expression"],
                made.get(job.name, "-"),
                "; ".join(job.changes) or "-",
                job.fault or "-",
            ]
            for job in jobs
        ]
        table(["name", "expression", "id", "changed", "left out because"], rows, empty="the database holds no job")
    if len(good) < len(jobs):
        sys.exit(1)
