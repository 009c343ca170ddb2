"""`symbi policy status|reload|history|rollback`: what concerns the running server."""

from __future__ import annotations

import click

from symbi.cli.output import json_option, print_json, table, warn

__all__ = ["history", "reload", "rollback", "status"]


@click.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show what is in force.

    Example: symbi policy status
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/policy")
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['state']}: {found['engine']}, revision {found['revision'] or 'none'}, {found['directory']}")
    for each in (*found["errors"], *found["warnings"]):
        warn(f"{each['severity']}: {each['path']}: {each['message']}")


@click.command()
@json_option
@click.pass_context
def reload(ctx: click.Context, as_json: bool) -> None:
    """Let the server read its policy directory again.

    Example: symbi policy reload
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.post("/policy/reload")
    if as_json:
        print_json(found)
    else:
        click.echo(f"revision {found['revision']}, {found['policies']} policies")


@click.command()
@json_option
@click.pass_context
def history(ctx: click.Context, as_json: bool) -> None:
    """List the sets that the server had in force.

    Example: symbi policy history
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/policy/history")
    if as_json:
        print_json(found)
        return
    columns = ["revision", "loaded_at", "author", "policies"]
    table(columns, [[str(each[key]) for key in columns] for each in found["sets"]])


@click.command()
@click.argument("revision", required=False)
@json_option
@click.pass_context
def rollback(ctx: click.Context, revision: str | None, as_json: bool) -> None:
    """Put an earlier set in force on the server, until its directory changes.

    Example: symbi policy rollback
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.post("/policy/rollback", {"revision": revision})
    if as_json:
        print_json(found)
    else:
        click.echo(f"revision {found['revision']} is in force")
