"""`symbi doctor`: everything that can be checked before a start, with the remedy for each fault."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from symbi.cli.output import json_option, print_json
from symbi.cli.state import CliState, state_of
from symbi.contracts.errors import SymbiError

if TYPE_CHECKING:
    from symbi.kernel.kernel import Kernel

__all__ = ["doctor"]

_LEAST_FREE_BYTES = 200 * 1024 * 1024


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check with its result."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check everything that can be checked before a start; exit 1 if something is not good.

    Example: symbi doctor --json
    """
    checks = list(_checks(state_of(ctx)))
    ok = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": ok, "checks": checks})
    else:
        for check in checks:
            mark = click.style("ok  ", fg="green") if check.ok else click.style("FAIL", fg="red", bold=True)
            click.echo(f"{mark} {check.name:22} {check.detail}")
            if check.remedy and not check.ok:
                click.echo(f"     try: {check.remedy}")
    ctx.exit(0 if ok else 1)


def _checks(state: CliState) -> Iterator[Check]:
    yield _try("python", lambda: f"{sys.version.split()[0]} at {sys.executable}")
    settings = _try("configuration", lambda: f"{state.settings.file or 'defaults, no symbi.toml'}")
    yield settings
    if not settings.ok:
        return
    yield _data_dir(state)
    yield _token(state)
    yield _port(state)
    plugins = list(_plugins(state))
    yield from plugins
    if plugins[0].ok:
        yield from asyncio.run(_opened(state))


def _try(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, detail=work())
    except SymbiError as error:
        return Check(name=name, ok=False, detail=error.message, remedy=error.hint or "")
    except Exception as error:
        return Check(name=name, ok=False, detail=f"{type(error).__name__}: {error}")


def _data_dir(state: CliState) -> Check:
    folder = state.settings.data_dir
    at = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(at, os.W_OK):
        return Check(
            name="data directory", ok=False, detail=f"{at} cannot be written", remedy="choose another with --data-dir"
        )
    facts = os.statvfs(at)
    free = facts.f_bavail * facts.f_frsize
    return Check(
        name="data directory",
        ok=free >= _LEAST_FREE_BYTES,
        detail=f"{folder}, {free // 2**20} MiB free",
        remedy="free some disk space",
    )


def _token(state: CliState) -> Check:
    from symbi.http.authority import open_authority
    from symbi.http.settings import AuthSettings
    from symbi.kernel.clock import SystemClock

    def work() -> str:
        environ = state.settings.environ
        open_authority(state.settings, SystemClock(), state.settings.section("auth", AuthSettings))
        if (state.settings.data_dir / "keys.json").exists():
            return "keys.json"
        if (
            environ.get("API_AUTH_TOKEN")
            or environ.get("SYMBIONT_API_TOKEN")
            or state.settings.raw("auth").get("token")
        ):
            return "a token is set"
        raise SymbiError(
            "no token and no key: every protected route will answer 401", hint="symbi init, or export API_AUTH_TOKEN=…"
        )

    return _try("credentials", work)


def _port(state: CliState) -> Check:
    from symbi.http.settings import ServerSettings

    def work() -> str:
        server = state.settings.section("server", ServerSettings)
        with socket.socket(socket.AF_INET6 if ":" in server.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((server.host, server.port))
            except OSError as error:
                raise SymbiError(
                    f"{server.host}:{server.port}: {error.strerror}",
                    hint="another server runs there? choose another --port",
                ) from None
        return f"{server.host}:{server.port} is free"

    return _try("port", work)


def _plugins(state: CliState) -> Iterator[Check]:
    from symbi.kernel.points import POINTS

    found = _try("plugins", lambda: f"{len(state.manager.records)} installed")
    yield found
    if not found.ok:
        return
    for point in POINTS.values():
        state.manager.collect(point)
    for record in state.manager.records.values():
        for fault in record.faults:
            yield Check(
                name=f"plugin {record.name}", ok=False, detail=f"{fault.stage}: {fault.error}", remedy=fault.remedy
            )


async def _opened(state: CliState) -> list[Check]:
    """Open the runtime as a start would, without listening, and ask every part how it is."""
    from symbi.cli.client import running_server
    from symbi.kernel.kernel import Kernel

    url = running_server(state.settings.data_dir)
    if url is not None:
        return [Check(name="start", ok=True, detail=f"a server runs on this data directory already, at {url}")]
    before = {(record.name, fault.stage) for record in state.manager.records.values() for fault in record.faults}
    try:
        async with Kernel(state.settings, manager=state.manager) as kernel:
            return [Check(name="start", ok=True, detail="opens"), *await _asked(kernel, before)]
    except SymbiError as error:
        return [Check(name="start", ok=False, detail=error.message, remedy=error.hint or "")]


async def _asked(kernel: Kernel, known: set[tuple[str, str]]) -> list[Check]:
    report = await kernel.health()
    checks = [
        Check(
            name=f"health {name}",
            ok=health.state != "unhealthy",
            detail=f"{health.state} {health.reason}".strip(),
            remedy=health.remedy,
        )
        for name, health in report.components.items()
    ]
    for record in kernel.plugins():
        for fault in record.faults:
            if (record.name, fault.stage) not in known:
                checks.append(
                    Check(
                        name=f"plugin {record.name}",
                        ok=False,
                        detail=f"{fault.stage}: {fault.error}",
                        remedy=fault.remedy,
                    )
                )
    return checks
