"""`symbi tools list` and `symbi tools check`."""

from __future__ import annotations

from pathlib import Path

import click

from symbi.cli.output import json_option, print_json, table
from symbi.contracts.errors import ConfigError

__all__ = ["check_manifests", "list_tools"]


@click.command()
@json_option
@click.pass_context
def list_tools(ctx: click.Context, as_json: bool) -> None:
    """List the tools that agents may be allowed to call.

    Example: symbi tools list --json
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/tools")
    if as_json:
        print_json(found)
        return
    rows = [
        [tool["name"], tool["server"], tool["risk"], "yes" if tool["idempotent"] else "no", tool["description"]]
        for tool in found["tools"]
    ]
    table(["tool", "toolset", "risk", "idempotent", "description"], rows, empty="no tool is installed")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def check_manifests(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Check declarative tool manifests; exit 1 if one does not hold.

    Example: symbi tools check tools/*.tool.toml
    """
    from symbi_tools.manifest import read_manifest

    faults = {}
    for file in files:
        try:
            read_manifest(file.read_text(encoding="utf-8"), file=str(file))
        except (ConfigError, OSError, UnicodeDecodeError) as error:
            faults[str(file)] = str(error)
    if as_json:
        print_json(
            {
                "ok": not faults,
                "files": [
                    {"path": str(file), "ok": str(file) not in faults, "error": faults.get(str(file))} for file in files
                ],
            }
        )
    else:
        for fault in faults.values():
            click.echo(fault, err=True)
        click.echo(f"{len(files)} manifests, {len(faults)} with faults", err=True)
    ctx.exit(1 if faults else 0)
