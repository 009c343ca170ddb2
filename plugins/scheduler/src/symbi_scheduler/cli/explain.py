"""`symbi cron explain`: an expression in words, field by field, with what daylight saving does to it."""

from __future__ import annotations

import sys

import click

from symbi.cli.output import error_exit, json_option, print_json
from symbi_scheduler.cli.computing import iso, now_seconds
from symbi_scheduler.cron.cautions import cautions
from symbi_scheduler.cron.describe import describe
from symbi_scheduler.cron.errors import CronError
from symbi_scheduler.cron.fields import FIELDS
from symbi_scheduler.cron.rule import CronRule, make_rule

__all__ = ["clock_changes", "explain_command"]

_YEAR = 366 * 86400


@click.command("explain")
@click.argument("expression")
@click.option("--timezone", "--tz", default="UTC", show_default=True, help="IANA name.")
@click.option("--id", "seed", help="The schedule's id, which places H.")
@json_option
def explain_command(expression: str, timezone: str, seed: str | None, as_json: bool) -> None:
    """Say in words what an expression means, and what the coming clock changes do to it.

    Example: symbi cron explain "0 30 2 * * *" --timezone America/New_York
    """
    try:
        rule = make_rule(expression, timezone, seed=seed)
    except CronError as error:
        error_exit(error.message, hint=error.hint, code=1)
        sys.exit(1)
    now = now_seconds()
    facts = {
        "expression": expression,
        "timezone": timezone,
        "description": describe(rule.expression, timezone=timezone),
        "fields": {field.name: text for field, text in zip(FIELDS, rule.expression.fields, strict=False)},
        "dst_gap": rule.gap,
        "dst_overlap": rule.overlap,
        "warnings": cautions(rule.expression, seeded=seed is not None),
        "clock_changes": clock_changes(rule, now),
        "fires_per_day": round(rule.count(now, now + _YEAR) / 366, 3),
    }
    if as_json:
        print_json(facts)
        return
    click.echo(facts["description"])
    for field, text in zip(FIELDS, rule.expression.fields, strict=False):
        click.echo(f"  {field.name:<8} {text}")
    click.echo(
        f"  about {facts['fires_per_day']} fires a day; missing times: {rule.gap}, repeated times: {rule.overlap}"
    )
    for change in clock_changes(rule, now):
        click.echo(f"  {change['at']}: {change['effect']}")
    for warning in cautions(rule.expression, seeded=seed is not None):
        click.echo(f"warning: {warning}", err=True)


def clock_changes(rule: CronRule, now: int) -> list[dict[str, str]]:
    """The clock changes of the coming year that touch this rule, each with its effect."""
    found, at = [], now
    while at < now + _YEAR:
        segment = rule.zone.at(at)
        if segment.after and segment.end < now + _YEAR:
            low, high = segment.end - abs(segment.after), segment.end + abs(segment.after)
            fires = [iso(fire) for fire in rule.fires(low - 1, until=high)][:6]
            word = "the clock goes forward" if segment.after > 0 else "the clock goes back"
            shown = f"fires at {', '.join(fires)}" if fires else "no fire near it"
            found.append({"at": iso(segment.end), "effect": f"{word} by {abs(segment.after) // 60} minutes; {shown}"})
        at = segment.end
    return found
