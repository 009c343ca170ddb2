"""`symbi up`: the server."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbi.cli.output import warn
from symbi.cli.state import CliState, state_of

if TYPE_CHECKING:
    from symbi.kernel.kernel import Kernel
    from symbi.kernel.records import PluginRecord

__all__ = ["up"]


@click.command()
@click.option("--host", help="The address to listen on (default: [server] host, 127.0.0.1).")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port (default: [server] port, 8080; 0 takes a free one)."
)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="The configuration file.")
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Where data is kept.")
@click.option("--no-plugins", is_flag=True, help="Start the bare kernel.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    help="How much is logged (stderr).",
)
@click.option("--log-json", is_flag=True, help="Log one JSON object a line.")
@click.pass_context
def up(
    ctx: click.Context,
    host: str | None,
    port: int | None,
    config: Path | None,
    data_dir: Path | None,
    no_plugins: bool,
    log_level: str,
    log_json: bool,
) -> None:
    """Start the server: API, scheduler, channels, console. SIGTERM or Ctrl-C stops it gracefully.

    Example: symbi up --port 9000
    """
    from symbi.cli.logs import set_up_logging

    set_up_logging(log_level, as_json=log_json)
    state = state_of(ctx).override(config=config, data_dir=data_dir, plugins=False if no_plugins else None)
    ctx.find_root().obj = state
    started = time.perf_counter()
    runner = asyncio.Runner(loop_factory=_loop_factory())
    with runner:
        runner.run(_run(state, host=host, port=port, started=started))


async def _run(state: CliState, *, host: str | None, port: int | None, started: float) -> None:
    from symbi.http.app import create_app
    from symbi.http.server import bind, serve
    from symbi.http.settings import ServerSettings
    from symbi.kernel.kernel import Kernel

    settings = state.settings
    server = settings.section("server", ServerSettings)
    address = host or server.host
    bound = bind(address, server.port if port is None else port)
    try:
        async with Kernel(settings, manager=state.manager) as kernel:
            app = create_app(kernel, host=address)
            await serve(app, bound, data_dir=settings.data_dir, on_ready=lambda url: _announce(url, kernel, started))
            warn("stopping: waiting for what runs (once more Ctrl-C to hurry)")
    finally:
        bound.close()
    warn("stopped")


def _announce(url: str, kernel: Kernel, started: float) -> None:
    records = kernel.plugins()
    on = [record.name for record in records if record.state in ("ready", "registered")]
    click.echo(
        f"Symbi {kernel.version} listens on {url} (process {os.getpid()}, ready in {time.perf_counter() - started:.2f} s)"
    )
    click.echo(f"  data      {kernel.data_dir}")
    click.echo(f"  plugins   {len(on)} on: {', '.join(on) or 'none'}")
    for record in records:
        if record.state in ("degraded", "broken", "incompatible"):
            _tell(record)
    if not _has_credential(kernel):
        warn(
            "  auth      NO TOKEN: every protected route answers 401. `symbi init` writes one, or export API_AUTH_TOKEN=…"
        )


def _tell(record: PluginRecord) -> None:
    for fault in record.faults:
        warn(f"  {record.state:9} {record.name} ({record.source}): {fault.stage}: {fault.error}")
        if fault.remedy:
            warn(f"            try: {fault.remedy}")


def _has_credential(kernel: Kernel) -> bool:
    environ = kernel.settings.environ
    named = bool(
        environ.get("API_AUTH_TOKEN") or environ.get("SYMBIONT_API_TOKEN") or kernel.settings.raw("auth").get("token")
    )
    return named or (kernel.data_dir / "keys.json").exists()


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    found: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return found
