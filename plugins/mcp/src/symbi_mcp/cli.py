"""`symbi mcp`: see and approve the definitions of MCP servers' tools; serve the runtime itself as an MCP server."""

from __future__ import annotations

import json
from typing import Any

import click

from symbi.cli.output import error_exit, json_option, print_json

__all__ = ["mcp"]


@click.group()
def mcp() -> None:
    """See and approve the tools of MCP servers; serve as one.

    Example: symbi mcp list
    """


@mcp.command(name="list")
@json_option
@click.pass_context
def list_tools(ctx: click.Context, as_json: bool) -> None:
    """List the tools that servers have shown, and whether they are approved, new or changed.

    Example: symbi mcp list --json
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        client.get("/tools")  # has the servers asked, where they have not been yet
        found = client.get("/mcp/tools")
    if as_json:
        print_json(found)
        return
    for pin in found["tools"]:
        click.echo(f"{pin['server']}  {pin['tool']:30} {pin['state']:9} {pin['digest'][:12]}")


@mcp.command()
@click.argument("server")
@click.argument("tool", required=False)
@click.option("--yes", is_flag=True, help="Approve without showing the definition and asking.")
@click.pass_context
def approve(ctx: click.Context, server: str, tool: str | None, yes: bool) -> None:
    """Approve what was last seen of a server's tools: one of them, or all.

    Example: symbi mcp approve weather forecast
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        waiting = [
            pin
            for pin in client.get("/mcp/tools")["tools"]
            if pin["server"] == server and tool in (None, pin["tool"]) and pin["state"] != "approved"
        ]
        if not waiting:
            error_exit("nothing of that server waits for an approval", hint="symbi mcp list", code=1)
        for pin in waiting:
            _approve(client, pin, yes)


def _approve(client: Any, pin: dict[str, Any], yes: bool) -> None:
    if not yes:
        click.echo(json.dumps(pin["definition"], indent=2, ensure_ascii=False))
        if not click.confirm(f"approve {pin['server']} {pin['tool']} ({pin['state']})?"):
            return
    body = {"tool": pin["tool"], "digest": pin["digest"]}
    client.post(f"/mcp/servers/{pin['server']}/approve", body)
    click.echo(f"approved {pin['server']} {pin['tool']}")


@mcp.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Serve agents, runs and approvals as MCP tools over standard input and output, under the rights of this user.

    Example: symbi mcp serve
    """
    from symbi_mcp.server import serve_stdio

    serve_stdio(ctx)
