"""`symbi chat`: a conversation with an agent, its words as they come, its held actions answered in place."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from symbi.cli.output import json_option, print_json

if TYPE_CHECKING:
    from symbi.cli.client import ApiClient

__all__ = ["chat"]

POLL_SECONDS = 0.08
_ENDS = frozenset({"completed", "failed", "terminated", "lost"})


@click.command()
@click.argument("agent")
@click.option("--thread", help="Go on with this conversation.")
@click.option("--message", "-m", help="Say this one thing, print the answer, and leave.")
@json_option
@click.pass_context
def chat(ctx: click.Context, agent: str, thread: str | None, message: str | None, as_json: bool) -> None:
    """Talk with an agent. Each message is a run under policy; an empty line or Ctrl-D ends the conversation.

    Exit code 0: the last answer came; 1: it failed.

    Example: symbi chat helper -m "What time is it?"
    """
    from symbi.cli.client import api, running_server
    from symbi.cli.state import state_of

    state = state_of(ctx)
    live = running_server(state.settings.data_dir) is not None
    if not live:
        # What runs here is run by this process, and by no other that shares the data.
        state.settings.environ.update({"SYMBI_ROLE": "command", "SYMBI_RUNS": "own"})
    good = True
    with api(ctx) as client:
        while True:
            said = message if message is not None else _prompt()
            if not said:
                break
            done = _turn(client, agent, said, thread, live=live, quiet=as_json)
            thread, good = done["thread"], done["status"] == "completed"
            if as_json:
                print_json(done)
            if message is not None or as_json:
                break
    if thread and message is None:
        click.echo(f"\ngo on: symbi chat {agent} --thread {thread}", err=True)
    sys.exit(0 if good else 1)


def _prompt() -> str:
    try:
        return input("you> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""


def _turn(client: ApiClient, agent: str, said: str, thread: str | None, *, live: bool, quiet: bool) -> dict[str, Any]:
    """Say one thing and follow the run that answers it; return `{thread, run_id, status, answer, error}`."""
    head = client.post(f"/chat/{agent}", {"message": said, "thread": thread})
    told, text = False, ""
    for event in _events(client, head["run_id"], live=live):
        kind, data = event["kind"], event["data"]
        if kind == "chunk":
            told = True
            text += data.get("text", "")
        if kind == "waiting" and "approval_id" in data and not quiet:
            _answer(client, data)
        if not quiet:
            _show(kind, data)
    run = client.get(f"/runs/{head['run_id']}")
    if not quiet:
        shown = run["result"] if isinstance(run["result"], str) else ""
        # Text that policy changed on its way out, or that was never streamed, is shown as it counts.
        click.echo("" if told and text.endswith(shown) else shown)
        if run["error"]:
            click.secho(f"{run['status']}: {run['error'].get('message', '')}", fg="red", err=True)
    names = ("status", "error", "usage")
    return {
        **{name: head[name] for name in ("thread", "run_id", "agent")},
        "answer": run["result"],
        **{name: run[name] for name in names},
    }


def _events(client: ApiClient, run_id: str, *, live: bool) -> Iterator[dict[str, Any]]:
    if live:
        for each in client.events(f"/runs/{run_id}/events"):
            if each["event"] not in ("snapshot", "end"):
                yield each["data"]
        return
    after = 0
    while True:
        for event in client.get(f"/runs/{run_id}/events", params={"after": after})["events"]:
            after = event["seq"]
            yield event
            if event["kind"] in _ENDS:
                return
        time.sleep(POLL_SECONDS)


def _show(kind: str, data: dict[str, Any]) -> None:
    if kind == "chunk":
        click.echo(data.get("text", ""), nl=False)
    elif kind == "gate" and data.get("decision") in ("deny", "hold"):
        click.secho(
            f"\n[{data['decision']}] {data.get('action')}::{data.get('target')}: {data.get('reason')}",
            fg="yellow",
            err=True,
        )
    elif kind == "effect" and data.get("kind") not in ("model", "brief", "respond"):
        click.secho(
            f"\n[{data.get('kind')} {data.get('name')}: {data.get('status')}, {data.get('ms')} ms]", dim=True, err=True
        )


def _answer(client: ApiClient, data: dict[str, Any]) -> None:
    """Ask the person here about an action that waits, where there is one to ask."""
    approval = data["approval_id"]
    held = client.get(f"/approvals/{approval}")
    click.secho(f"\n{held['summary']}\n  arguments: {held['arguments']}", fg="yellow", err=True)
    if not sys.stdin.isatty():
        click.echo(f"waiting; answer it elsewhere: symbi approvals approve {approval}", err=True)
        return
    verdict = "approve" if click.confirm("approve?", default=False, err=True) else "deny"
    client.post(f"/approvals/{approval}/{verdict}", {"reason": "answered in symbi chat"})
