"""`symbi approvals`: what waits, and the answer to it."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from symbi.cli.output import error_exit, json_option, print_json, table

__all__ = ["approvals"]


@click.group()
def approvals() -> None:
    """List, show, approve and deny actions that wait for a person.

    Example: symbi approvals list --status pending
    """


@approvals.command("list")
@click.option(
    "--status", type=click.Choice(["pending", "approved", "denied", "expired", "cancelled"]), help="Only these."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@click.pass_context
def list_command(ctx: click.Context, status: str | None, limit: int, as_json: bool) -> None:
    """List held actions, newest first.

    Example: symbi approvals list --status pending
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/approvals", params={"status": status, "limit": limit})
    if as_json:
        print_json({"approvals": found})
        return
    columns = ["id", "status", "summary", "group", "expires_at"]
    table(columns, [[str(each[key]) for key in columns] for each in found], empty="nothing waits")


@approvals.command()
@click.argument("approval_id")
@json_option
@click.pass_context
def show(ctx: click.Context, approval_id: str, as_json: bool) -> None:
    """Show one held action: what exactly would be done, why it waits, who has voted.

    Example: symbi approvals show 3f9a0c1d2e4b5a67
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get(f"/approvals/{approval_id}")
    if as_json:
        print_json(found)
        return
    for key in (
        "id",
        "status",
        "summary",
        "reason",
        "group",
        "quorum",
        "agent_id",
        "run_id",
        "requested_by",
        "created_at",
        "expires_at",
    ):
        click.echo(f"{key:13} {found[key]}")
    click.echo("arguments\n" + msgspec.json.format(msgspec.json.encode(found["arguments"]), indent=2).decode())
    for each in found["votes"]:
        click.echo(f"{each['verdict']} by {each['principal']} at {each['at']} {each['reason']}".rstrip())


@approvals.command()
@click.argument("approval_id")
@click.option("--reason", default="", help="Kept with the vote and in the audit log.")
@click.option("--arguments", help="JSON object that replaces the proposed arguments; policy decides on it again.")
@json_option
@click.pass_context
def approve(ctx: click.Context, approval_id: str, reason: str, arguments: str | None, as_json: bool) -> None:
    """Approve a held action; exit 1 when it is resolved already.

    Example: symbi approvals approve 3f9a0c1d2e4b5a67 --reason "maintenance window"
    """
    body: dict[str, Any] = {"reason": reason}
    if arguments is not None:
        try:
            body["arguments"] = msgspec.json.decode(arguments)
        except msgspec.MsgspecError as error:
            error_exit(f"--arguments is no JSON: {error}", hint='--arguments \'{"path": "/tmp/x"}\'')
    _answer(ctx, approval_id, "approve", body, as_json)


@approvals.command()
@click.argument("approval_id")
@click.option("--reason", default="", help="Told to the agent, kept in the audit log.")
@json_option
@click.pass_context
def deny(ctx: click.Context, approval_id: str, reason: str, as_json: bool) -> None:
    """Deny a held action; exit 1 when it is resolved already.

    Example: symbi approvals deny 3f9a0c1d2e4b5a67 --reason "not on a Friday"
    """
    _answer(ctx, approval_id, "deny", {"reason": reason}, as_json)


def _answer(ctx: click.Context, approval_id: str, answer: str, body: dict[str, Any], as_json: bool) -> None:
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.post(f"/approvals/{approval_id}/{answer}", body)
    if as_json:
        print_json(found)
        return
    missing = found["quorum"] - len(found["votes"])
    more = f", {missing} more must approve" if found["status"] == "pending" else ""
    click.echo(f"{found['id']} is {found['status']}{more}")
