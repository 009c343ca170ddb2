"""`symbi channels`: registering, watching and using channels from the command line."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import click
import msgspec

from symbi.cli.output import error_exit, json_option, print_json, table

__all__ = ["channels"]


@click.group()
def channels() -> None:
    """Connect agents to chat rooms.

    Example: symbi channels list
    """


@channels.command("list")
@json_option
@click.pass_context
def list_command(ctx: click.Context, as_json: bool) -> None:
    """List the channels.

    Example: symbi channels list
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/channels")
    if as_json:
        print_json({"channels": found})
        return
    rows = [[each["name"], each["platform"], each["status"], each["id"]] for each in found]
    table(["name", "platform", "status", "id"], rows, empty="no channel is registered; symbi channels add NAME")


@channels.command()
@click.argument("name")
@click.option("--platform", required=True, help="slack, teams, mattermost or another installed one.")
@click.option("--config", "config_text", default="{}", help='JSON object, or @FILE. Secrets: {"env": "NAME"}.')
@click.option("--start", "starting", is_flag=True, help="Start it as well.")
@json_option
@click.pass_context
def add(ctx: click.Context, name: str, platform: str, config_text: str, starting: bool, as_json: bool) -> None:
    """Register a channel.

    Example: symbi channels add ops --platform slack --config '{"webhook_url": {"env": "SLACK_WEBHOOK_URL"}}' --start
    """
    from symbi.cli.client import api

    body = {"name": name, "platform": platform, "config": _json_object(config_text)}
    with api(ctx) as client:
        made = client.post("/channels", body)
        if starting:
            client.post(f"/channels/{made['id']}/start")
    if as_json:
        print_json(made)
        return
    click.echo(f"{made['name']} is {'started' if starting else 'registered'} ({made['id']})")


@channels.command()
@click.argument("channel")
@json_option
@click.pass_context
def test(ctx: click.Context, channel: str, as_json: bool) -> None:
    """Probe a channel's platform; exit 1 when it is not connected.

    Example: symbi channels test ops
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get(f"/channels/{quote(channel, safe='')}/health")
    if as_json:
        print_json(found)
    else:
        where = found["workspace_name"] or found["platform"]
        state = "connected" if found["connected"] else "not connected"
        click.echo(f"{channel} is {state} ({where}), up {found['uptime_secs']} s")
    if not found["connected"]:
        ctx.exit(1)


@channels.command()
@click.argument("channel")
@json_option
@click.pass_context
def start(ctx: click.Context, channel: str, as_json: bool) -> None:
    """Start a channel; it is started again with the runtime.

    Example: symbi channels start ops
    """
    _act(ctx, channel, "start", as_json)


@channels.command()
@click.argument("channel")
@json_option
@click.pass_context
def stop(ctx: click.Context, channel: str, as_json: bool) -> None:
    """Stop a channel; what waits in it is kept.

    Example: symbi channels stop ops
    """
    _act(ctx, channel, "stop", as_json)


@channels.command()
@click.argument("channel")
@click.argument("text")
@click.option("--target", help="The conversation, where the channel has none of its own or another is meant.")
@click.option("--thread", help="The thread.")
@json_option
@click.pass_context
def send(ctx: click.Context, channel: str, text: str, target: str | None, thread: str | None, as_json: bool) -> None:
    """Send one message through a running channel.

    Example: symbi channels send ops "The nightly report is done."
    """
    from symbi.cli.client import api

    body = {"text": text, "target": target, "thread_id": thread}
    with api(ctx) as client:
        sent = client.post(f"/channels/{quote(channel, safe='')}/messages", body)
    if as_json:
        print_json(sent)
        return
    click.echo(f"{sent['status']} ({sent['message_id']})")


@channels.command("map")
@click.argument("channel")
@click.argument("platform_user")
@click.argument("user")
@click.option("--name", default="", help="Who that is, for people.")
@click.option("--email", help="The person's address.")
@click.option(
    "--role", "roles", multiple=True, help="A role of the person, repeatable: groups that approve, groups of policies."
)
@json_option
@click.pass_context
def map_command(
    ctx: click.Context,
    channel: str,
    platform_user: str,
    user: str,
    name: str,
    email: str | None,
    roles: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say who a person of the platform is here; only mapped people are served.

    Example: symbi channels map ops U0123ABCD ann --name "Ann" --role operators
    """
    from symbi.cli.client import api

    body = {
        "platform_user_id": platform_user,
        "symbiont_user_id": user,
        "display_name": name or user,
        "roles": list(roles),
        "email": email,
    }
    with api(ctx) as client:
        made = client.post(f"/channels/{quote(channel, safe='')}/mappings", body)
    if as_json:
        print_json(made)
        return
    click.echo(f"{platform_user} is {user} with {', '.join(roles) or 'no roles'}")


@channels.command()
@click.argument("channel")
@click.option("--lines", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--follow", "-f", is_flag=True, help="Go on until interrupted.")
@json_option
@click.pass_context
def tail(ctx: click.Context, channel: str, lines: int, follow: bool, as_json: bool) -> None:
    """Show what happened in a channel, newest last.

    Example: symbi channels tail ops --follow
    """
    from symbi.cli.client import api

    path = f"/channels/{quote(channel, safe='')}/audit"
    with api(ctx) as client:
        found = client.get(path, params={"limit": lines})
        if as_json:
            print_json(found)
            return
        last = 0
        while True:
            fresh = [each for each in reversed(found["entries"]) if each["details"]["seq"] > last]
            for each in fresh:
                click.echo(_line(each))
                last = each["details"]["seq"]
            if not follow:
                return
            time.sleep(1.0)
            found = client.get(path, params={"limit": 200})


def _line(each: dict[str, Any]) -> str:
    details = each["details"]
    facts = [each["user_id"] or "", each["channel_id"] or "", each["agent"] or "", details.get("outcome") or ""]
    return f"{each['timestamp']}  {each['event_type']:18} " + "  ".join(fact for fact in facts if fact)


def _act(ctx: click.Context, channel: str, action: str, as_json: bool) -> None:
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.post(f"/channels/{quote(channel, safe='')}/{action}")
    if as_json:
        print_json(found)
        return
    click.echo(f"{channel} {found['action']}")


def _json_object(text: str) -> dict[str, Any]:
    if text.startswith("@"):
        try:
            with click.open_file(text[1:], encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            error_exit(f"{text[1:]}: {error.strerror}")
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        error_exit(f"--config is no JSON object: {error}", hint='--config \'{"webhook_url": {"env": "NAME"}}\'')
        raise AssertionError from None  # error_exit does not return
