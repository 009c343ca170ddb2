"""`symbi tools install` and `symbi tools installed`."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click

from symbi.cli.output import json_option, print_json, table
from symbi_review.client import review_api, who_option

__all__ = ["install", "installed"]


@click.command()
@click.argument("package", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--accept",
    default=None,
    metavar="REASON",
    help="Let a package in whose description or schema differs from the pinned one.",
)
@who_option
@json_option
@click.pass_context
def install(ctx: click.Context, package: Path, accept: str | None, who: str | None, as_json: bool) -> None:
    """Install a signed package as a tool of agents. Exit code 1 when it is blocked.

    Example: symbi tools install weather-1.0.0.symtool
    """
    with review_api(ctx, who) as client:
        found = client.post("/signing/installed", {"content": base64.b64encode(package.read_bytes()).decode()})
        if accept and found["status"] == "blocked":
            found |= client.post(f"/signing/installed/{found['tool_name']}/accept", {"reason": accept})
            found["reason"] = None
    if as_json:
        print_json(found)
    else:
        click.echo(
            f"{found['tool_name']}: {found['status']}"
            + (
                f": {found['reason']}"
                if found["reason"]
                else f", may use {', '.join(found['permissions']) or 'nothing'}"
            )
        )
    sys.exit(0 if found["status"] == "installed" else 1)


@click.command()
@who_option
@json_option
@click.pass_context
def installed(ctx: click.Context, who: str | None, as_json: bool) -> None:
    """List installed packages, verified now.

    Example: symbi tools installed --json
    """
    with review_api(ctx, who) as client:
        found = client.get("/signing/installed")
    if as_json:
        print_json(found)
        return
    rows = [
        [tool["tool_name"], tool["tool_version"], tool["status"], tool["reason"] or ", ".join(tool["permissions"])]
        for tool in found["tools"]
    ]
    table(["tool", "version", "status", "may use"], rows, empty="no package is installed")
