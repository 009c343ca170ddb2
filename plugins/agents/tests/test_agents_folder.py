"""The agents folder: registered, changed, archived; declarations handed on or reported."""

from __future__ import annotations

import types
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from symbi import Service, hookimpl
from symbi.contracts.agents import AgentService
from symbi_agents.folder import FolderSync


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "agents"
    found.mkdir()
    return found


async def names(app):
    return sorted((agent.source, agent.name) for agent in await app.kernel.services.get(AgentService).list())


async def test_files_are_registered_changed_and_archived(agents_app, folder):
    (folder / "a.symbi").write_text("agent one {} agent two {}")
    (folder / "notes.txt").write_text("agent no {}")
    async with agents_app(tables={"plugins": {"agent-folder": {"directory": str(folder), "watch": False}}}) as app:
        sync = app.kernel.services.get(FolderSync)
        assert await names(app) == [("file:a.symbi#one", "one"), ("file:a.symbi#two", "two")]
        first = await app.kernel.services.get(AgentService).resolve("one")
        (folder / "a.symbi").write_text("agent one {} // changed")
        (folder / "b.symbi").write_text("agent three {}")
        await sync.sync()
        assert await names(app) == [("file:a.symbi#one", "one"), ("file:b.symbi#three", "three")]
        changed = await app.kernel.services.get(AgentService).resolve("one")
        assert (changed.id, changed.text) == (first.id, "agent one {} // changed")
        (folder / "a.symbi").unlink()
        await sync.sync()
        assert await names(app) == [("file:b.symbi#three", "three")]


async def test_a_file_that_does_not_hold_keeps_what_it_declared_and_is_shown(agents_app, folder):
    (folder / "a.symbi").write_text("agent one {}")
    async with agents_app(tables={"plugins": {"agent-folder": {"directory": str(folder), "watch": False}}}) as app:
        sync = app.kernel.services.get(FolderSync)
        (folder / "a.symbi").write_text("agent one {\n!")
        (folder / "bin.symbi").write_bytes(b"\xff\xfe\x00")
        faults = await sync.sync()
        assert faults["a.symbi"].startswith("2:1 ")
        assert "cannot be read" in faults["bin.symbi"]
        assert await names(app) == [("file:a.symbi#one", "one")]
        assert (await sync.health()).state == "degraded"
        (folder / "a.symbi").write_text("agent one {}")
        (folder / "bin.symbi").unlink()
        assert await sync.sync() == {}


async def test_what_went_while_the_runtime_was_down_is_archived(agents_app, folder):
    (folder / "a.symbi").write_text("agent one {}")
    tables = {"plugins": {"agent-folder": {"directory": str(folder), "watch": False}}}
    async with agents_app(tables=tables) as app:
        assert len(await names(app)) == 1
    (folder / "a.symbi").unlink()
    async with agents_app(tables=tables) as app:
        assert await names(app) == []


class Taker(Protocol):
    pass


async def test_declarations_go_to_who_takes_them(agents_app, folder):
    taken = []

    class Schedules:
        declaration_kinds = frozenset({"schedule"})

        async def reconcile(self, source, kind, declarations, *, owner):
            taken.append((source, kind, [(each["key"], each["cron"]) for each in declarations]))
            return []

    @asynccontextmanager
    async def open_it(config, context):
        yield Schedules()

    plugin = types.SimpleNamespace(
        services=hookimpl(lambda: [Service(name="a-schedules", provides=Taker, open=open_it)])
    )
    (folder / "a.symbi").write_text("agent one {} schedule daily")
    async with agents_app(
        plugin, tables={"plugins": {"agent-folder": {"directory": str(folder), "watch": False}}}
    ) as app:
        assert ("file:a.symbi", "schedule", [("a.symbi#daily", "0 0 9 * * *")]) in taken
        (folder / "a.symbi").unlink()
        await app.kernel.services.get(FolderSync).sync()
        assert taken[-1] == ("file:a.symbi", "schedule", [])


async def test_declarations_that_nobody_takes_are_reported(agents_app, folder):
    (folder / "a.symbi").write_text("agent one {} schedule daily")
    async with agents_app(tables={"plugins": {"agent-folder": {"directory": str(folder), "watch": False}}}) as app:
        assert app.kernel.services.get(FolderSync).faults == {"a.symbi": "schedule daily declared, no plugin takes it"}


async def test_changes_take_effect_while_it_is_up(agents_app, folder):
    import asyncio

    async with agents_app() as app:
        (folder / "a.symbi").write_text("agent one {}")
        async with asyncio.timeout(10):
            while not await names(app):
                await asyncio.sleep(0.05)
