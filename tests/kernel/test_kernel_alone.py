"""The kernel with no plugin, and with plugins that misbehave in other ways."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import types

import pytest

from symbi import EventListener, HealthCheck, hookimpl
from symbi.contracts.errors import ConfigError
from symbi.contracts.health import unhealthy
from symbi.kernel.points import EXPORTERS


async def test_the_kernel_runs_with_no_plugin(bare_kernel):
    report = await bare_kernel.health()
    assert report.state == "healthy"
    assert list(report.components) == ["store"]
    assert bare_kernel.plugins() == []
    assert stat.S_IMODE(os.stat(bare_kernel.data_dir).st_mode) == 0o700


async def test_opening_what_nobody_offers_names_the_installed_and_the_remedy(bare_kernel):
    with pytest.raises(
        ConfigError, match=r"no exporter 'otlp' is installed \(installed: none\).*pip install symbi-otlp"
    ):
        async with bare_kernel.open(EXPORTERS, "otlp"):
            pass


async def test_an_unusable_data_directory_is_refused_in_one_sentence(tmp_path, make_kernel):
    (tmp_path / "data").write_text("a file in the way")
    with pytest.raises(ConfigError, match="cannot be used"):
        async with make_kernel():
            pass


async def test_listeners_and_checks_are_bound_to_their_plugins_context(make_kernel):
    heard = []

    async def listen(event, context):
        heard.append((event, context.name))

    async def check(context):
        return unhealthy(f"{context.name} is ill")

    plugin = types.SimpleNamespace(
        event_listeners=hookimpl(
            lambda: [
                EventListener(name="l", event=str, listen=listen),
                EventListener(name="m", event="no_module:x", listen=listen),
            ]
        ),
        health_checks=hookimpl(lambda: [HealthCheck(name="h", check=check)]),
    )
    async with make_kernel([plugin]) as kernel:
        kernel.events.publish("hello")
        report = await kernel.health()
        assert report.state == "degraded"
        assert report.components["h"].reason == "plugin0 is ill"
        assert "event_listeners:m" in kernel.plugins()[0].error
    assert heard == [("hello", "plugin0")]


def test_importing_symbi_loads_nothing_heavy():
    heavy = "litestar sqlalchemy click rich httpx alembic stevedore asyncio"
    code = f"import sys, symbi; print([name for name in {heavy.split()!r} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


async def test_a_plugin_whose_tables_cannot_be_made_costs_only_itself(make_kernel):
    from contextlib import asynccontextmanager
    from typing import Protocol

    from symbi import Service, Tables

    class Thing(Protocol):
        pass

    @asynccontextmanager
    async def open_it(config, context):
        yield object()

    plugin = types.SimpleNamespace(
        tables=hookimpl(lambda: [Tables(name="bad", load="no_such_module:METADATA", migrations="")]),
        services=hookimpl(lambda: [Service(name="a", provides=Thing, open=open_it)]),
    )
    async with make_kernel([plugin]) as kernel:
        assert kernel.plugins()[0].faults[0].stage == "tables:bad"
        assert kernel.services.maybe(Thing) is None
        assert (await kernel.health()).components["store"].state == "healthy"
