"""`symbi agents`: the registry from the command line, over the running server or the data directory."""

from __future__ import annotations

from pathlib import Path

import click

from symbi.cli.output import error_exit, json_option, print_json, table

__all__ = ["agents"]


@click.group()
def agents() -> None:
    """List, show, add and remove agents."""


@agents.command("list")
@json_option
@click.pass_context
def list_agents(ctx: click.Context, as_json: bool) -> None:
    """List the registered agents with their states.

    Example: symbi agents list
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/agents", params={"detail": "true"})
    if as_json:
        print_json({"agents": found})
        return
    rows = [[agent["name"], agent["state"], agent["execution_mode"], agent["source"], agent["id"]] for agent in found]
    table(["name", "state", "mode", "source", "id"], rows, empty="no agent is registered; symbi agents add FILE")


@agents.command()
@click.argument("agent")
@json_option
@click.pass_context
def show(ctx: click.Context, agent: str, as_json: bool) -> None:
    """Show one agent (id or name): state, measurements, definition.

    Example: symbi agents show hello
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        agent_id = _id_of(client, agent)
        facts = {**client.get(f"/agents/{agent_id}"), "status": client.get(f"/agents/{agent_id}/status")}
    if as_json:
        print_json(facts)
        return
    status = facts["status"]
    usage = status["resource_usage"]
    for label, value in (
        ("id", facts["id"]),
        ("state", status["state"]),
        ("mode", facts["execution_mode"]),
        ("source", facts["source"]),
        ("memory", usage["memory_usage"]),
        ("cpu", usage["cpu_usage"]),
    ):
        click.echo(f"{label:8} {'not measured' if value is None else value}")
    click.echo(f"\n{facts['dsl']}")


@agents.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="The display name (default: the file's name without its suffix).")
@json_option
@click.pass_context
def add(ctx: click.Context, file: Path, name: str | None, as_json: bool) -> None:
    """Register an agent from a file.

    Example: symbi agents add agents/hello.symbi
    """
    from symbi.cli.client import api

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        error_exit(f"{file}: cannot be read: {error}")
    with api(ctx) as client:
        answer = client.post("/agents", {"name": name or file.stem, "dsl": text})
    print_json(answer) if as_json else click.echo(f"registered {name or file.stem} as {answer['id']}")


@agents.command()
@click.argument("agent")
@json_option
@click.pass_context
def remove(ctx: click.Context, agent: str, as_json: bool) -> None:
    """Stop an agent's runs and remove it.

    Example: symbi agents remove hello
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        answer = client.delete(f"/agents/{_id_of(client, agent)}")
    print_json(answer) if as_json else click.echo(f"removed {agent}")


def _id_of(client: object, wanted: str) -> str:
    found = client.get("/agents", params={"detail": "true"})  # type: ignore[attr-defined]  # the client of symbi.cli.client
    matches = [agent["id"] for agent in found if wanted in (agent["id"], agent["name"], agent["agent"])]
    if not matches:
        error_exit(f"no agent {wanted!r} is registered", hint="symbi agents list", code=1)
    return str(matches[-1])
