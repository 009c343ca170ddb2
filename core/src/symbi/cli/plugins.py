"""`symbi plugins`: what is installed, whether it is well, how it is configured, and a skeleton of a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from symbi.cli.output import error_exit, json_option, print_json, table
from symbi.cli.state import state_of
from symbi.contracts.offers import Offer
from symbi.kernel.points import POINTS
from symbi.kernel.records import PluginRecord

__all__ = ["plugins"]


@click.group()
def plugins() -> None:
    """Show, check and make plugins."""


@plugins.command("list")
@json_option
@click.pass_context
def list_plugins(ctx: click.Context, as_json: bool) -> None:
    """List the installed plugins.

    Example: symbi plugins list --json
    """
    records = _records(ctx)
    if as_json:
        print_json({"plugins": [_as_json(record) for record in records]})
        return
    rows = [
        [record.name, record.state, record.source, ", ".join(record.hooks), f"{record.import_ms:.1f} ms"]
        for record in records
    ]
    table(
        ["plugin", "state", "distribution", "hooks", "import"],
        rows,
        empty="no plugin is installed; pip install symbi installs them all",
    )


@plugins.command()
@json_option
@click.option(
    "--open", "open_services", is_flag=True, help="Open every service too, as a start would (uses the data directory)."
)
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, open_services: bool) -> None:
    """Check each plugin and name the remedy for each fault; exit 1 if there is any.

    Example: symbi plugins doctor --open
    """
    records = _opened(ctx) if open_services else _records(ctx)
    for record in records:
        _load_references(ctx, record)
    bad = [record for record in records if record.faults]
    if as_json:
        print_json({"plugins": [_as_json(record) for record in records]})
    else:
        for record in bad:
            for fault in record.faults:
                click.echo(f"{click.style(record.name, bold=True)} ({record.source}): {fault.stage}: {fault.error}")
                if fault.remedy:
                    click.echo(f"  try: {fault.remedy}")
        click.echo(f"{len(records)} plugins, {len(bad)} with faults", err=True)
    ctx.exit(1 if bad else 0)


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="What is printed is always one JSON document.")
@click.pass_context
def schema(ctx: click.Context, name: str, as_json: bool) -> None:
    """Print the JSON Schema of a plugin's configuration.

    Example: symbi plugins schema file
    """
    import msgspec

    manager = state_of(ctx).manager
    if name not in manager.records:
        error_exit(f"no plugin {name!r} is installed", hint="symbi plugins list")
    found: dict[str, Any] = {}
    for point in POINTS.values():
        for entry in manager.collect(point):
            if entry.plugin.name == name and isinstance(entry.item, Offer):
                path = entry.item.table or f"plugins.{entry.item.name}"
                found[path] = msgspec.json.schema(entry.item.config_type(), schema_hook=_schema_hook)
    print_json(found)


@plugins.command()
@click.argument("name")
@click.option(
    "--directory", type=click.Path(path_type=Path), default=Path("."), help="Where the folder is made (default: here)."
)
def new(name: str, directory: Path) -> None:
    """Write a skeleton of a new plugin: an exporter and a scanner rule, with tests.

    Example: symbi plugins new weather && pip install -e ./symbi-weather && symbi plugins list
    """
    from symbi.cli.skeleton import write_skeleton

    folder = write_skeleton(name, directory)
    click.echo(f"wrote {folder}; next: pip install -e {folder} && symbi plugins list && pytest {folder}")


def _records(ctx: click.Context) -> list[PluginRecord]:
    manager = state_of(ctx).manager
    for point in POINTS.values():
        manager.collect(point)
    return [manager.records[name] for name in sorted(manager.records)]


def _opened(ctx: click.Context) -> list[PluginRecord]:
    import asyncio

    from symbi.kernel.kernel import Kernel

    state = state_of(ctx)

    async def run() -> list[PluginRecord]:
        async with Kernel(state.settings, manager=state.manager) as kernel:
            return kernel.plugins()

    return asyncio.run(run())


def _load_references(ctx: click.Context, record: PluginRecord) -> None:
    """Import what a plugin's declarations name, so that a broken reference is seen here and not at three in the morning."""
    import msgspec

    from symbi.contracts.offers import load

    for point in POINTS.values():
        for entry in state_of(ctx).manager.collect(point):
            if entry.plugin is not record or not isinstance(entry.item, msgspec.Struct):
                continue
            for field in ("provides", "config", "open", "load", "listen", "check", "collect", "handle"):
                ref = getattr(entry.item, field, None)
                if isinstance(ref, str) and ":" in ref:
                    try:
                        load(ref)
                    except Exception as error:
                        record.blame(
                            f"load:{point.hook}",
                            f"{type(error).__name__}: {error}",
                            remedy=f"reinstall or upgrade {record.source}",
                        )


def _as_json(record: PluginRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "state": record.state,
        "distribution": record.distribution,
        "version": record.version,
        "hooks": record.hooks,
        "offers": record.offers,
        "error": record.error,
        "faults": record.faults,
        "import_ms": record.import_ms,
    }


def _schema_hook(kind: type) -> dict[str, Any]:
    if kind.__name__ == "Secret":
        return {"type": "string", "format": "password"}
    return {"type": "string", "format": "path"}
