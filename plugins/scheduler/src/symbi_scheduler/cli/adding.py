"""`symbi cron add`: a new schedule from the command line."""

from __future__ import annotations

from typing import Any

import click

from symbi.cli.output import error_exit, json_option, print_json

__all__ = ["add_command"]


@click.command("add")
@click.argument("name")
@click.option("--agent", required=True, help="Name or id of the agent to run.")
@click.option("--cron", "cron_expression", help="Six fields: second minute hour day month weekday.")
@click.option("--at", help="One single time, ISO 8601; local in --timezone where it has no offset.")
@click.option("--every", "every_seconds", type=float, help="An interval in seconds.")
@click.option("--timezone", "--tz", default="UTC", show_default=True, help="IANA name.")
@click.option("--input", "input_text", help="The input of each run, JSON.")
@click.option("--policy", "policy_ids", multiple=True, help="Id of a policy that must allow each run; may be repeated.")
@click.option("--one-shot", is_flag=True, help="Fire once, then end.")
@click.option(
    "--overlap",
    type=click.Choice(["skip", "queue_one", "queue_all", "cancel_previous", "terminate_previous", "allow"]),
    help="While an earlier run goes on.",
)
@click.option(
    "--catchup",
    type=click.Choice(["skip", "latest", "earliest", "all"]),
    help="For fires missed while the server was away.",
)
@click.option("--jitter", "jitter_seconds", type=int, help="Spread the start over this many seconds.")
@click.option("--calendar", help="Name of a calendar whose days are left out.")
@click.option("--dst-gap", type=click.Choice(["auto", "skip", "next", "shift"]), default="auto", show_default=True)
@click.option("--dst-overlap", type=click.Choice(["auto", "first", "last", "both"]), default="auto", show_default=True)
@click.option("--day-match", type=click.Choice(["and", "or"]), default="and", show_default=True)
@json_option
@click.pass_context
def add_command(
    ctx: click.Context,
    /,
    name: str,
    agent: str,
    input_text: str | None,
    overlap: str | None,
    catchup: str | None,
    jitter_seconds: int | None,
    policy_ids: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Make a schedule.

    Example: symbi cron add daily-report --agent report-agent --cron "0 0 9 * * *" --timezone America/New_York
    """
    from symbi.cli.client import api

    options = {"overlap": overlap, "catchup": catchup, "jitter_seconds": jitter_seconds}
    body = {
        "name": name,
        "agent_name": agent,
        "policy_ids": list(policy_ids),
        "options": {key: value for key, value in options.items() if value is not None},
        **{key: value for key, value in given.items() if value is not None},
    }
    if input_text is not None:
        body["input"] = _json(input_text)
    with api(ctx) as client:
        made = client.post("/schedules", body)
    if as_json:
        print_json(made)
    else:
        click.echo(f"created {name} ({made['job_id']}), next run {made['next_run'] or 'never'}")


def _json(text: str) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        error_exit(f"--input is not JSON: {error}", hint='quote it: --input \'{"day": "today"}\'', code=2)
        return None
