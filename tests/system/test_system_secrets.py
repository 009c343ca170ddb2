"""A secret that an agent names reaches the tool and nothing else (SEC-4): it is searched for in everything that is written."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from symbi import hookimpl
from symbi.cli.logs import _Lines
from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import SymbiError
from symbi.contracts.metrics import MetricsService
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.tools import Toolset, ToolSpec
from symbi.http.app import create_app
from symbi.http.entry import act_as

PLUGINS = [
    f"symbi_{name}.plugin"
    for name in (
        "policy",
        "cedar",
        "approvals",
        "audit",
        "agents",
        "runs",
        "process",
        "tools",
        "dsl",
        "secrets",
        "metrics",
    )
]
CANARY = 'plain words 7f3a-canary "quoted" ünï'
POLICY = """
@id("asked") @obligation("approval:operators")
permit (principal == Symbi::Agent::"asker", action == Symbi::Action::"secret_read", resource);
@id("operators-manage") permit (principal, action == Symbi::Action::"agent_create", resource);
@id("tools") permit (principal, action in Symbi::Action::"tool_call", resource);
@id("secret") permit (principal == Symbi::Agent::"user", action == Symbi::Action::"secret_read", resource == Symbi::Secret::"mail/word");
"""
AGENT = """
metadata {{ version = "1.0", description = "uses a secret" }}
agent {name} {{
    capabilities = ["probe", "write_file", "read_file"]
    with timeout = 60s {{
        {body}
    }}
}}
"""


class Probe:
    """A tool that betrays what it is given in every way it can."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []

    async def tools(self) -> list[ToolSpec]:
        fields = {"how": {"type": "string"}, "word": {"type": "string", "minLength": 5}}
        schema = {"type": "object", "properties": fields, "required": ["how", "word"], "additionalProperties": False}
        return [ToolSpec(name="probe", description="…", parameters=schema, positional=("how", "word"))]

    async def call(self, name: str, arguments: dict[str, Any], *, run: Any) -> Any:
        self.given.append(arguments)
        word = arguments["word"]
        logging.getLogger("probe").warning("the word is %s", word)
        if arguments["how"] == "refuse":
            raise SymbiError(f"{word} was refused", code="REFUSED", hint=f"not {word}", details={word: word})
        if arguments["how"] == "break":
            raise RuntimeError(f"broken by {word}")
        encoded = base64.b64encode(f"user:{word}".encode()).decode()
        return {"word": word, "in": [f"<{word}>", {word: 1}], "json": json.dumps({"w": word}), "basic": encoded}


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Give what a server would write to its log, at the lowest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Lines("%(message)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def server(make_kernel: Any, tmp_path: Path, probe: Probe) -> Any:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "all.cedar").write_text(POLICY)
    tables = {"policy": {"directory": str(tmp_path / "policies"), "watch": False}}

    @asynccontextmanager
    async def give(config: Any, context: Any) -> AsyncIterator[Probe]:
        yield probe

    offer = types.SimpleNamespace(__name__="probe", tools=hookimpl(lambda: [Toolset(name="probe", open=give)]))

    @asynccontextmanager
    async def build(*, without: str = "") -> AsyncIterator[Any]:
        plugins = [each for each in PLUGINS if each != f"symbi_{without}.plugin"]
        async with make_kernel([*plugins, offer], tables=tables) as kernel:
            transport = httpx.ASGITransport(act_as(create_app(kernel, host="127.0.0.1"), LOCAL_ADMIN))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1", timeout=20) as client:
                yield types.SimpleNamespace(kernel=kernel, client=client)

    return build


async def run(client: httpx.AsyncClient, name: str, body: str) -> tuple[dict[str, Any], str]:
    """Create an agent, run it, and return the run with everything that HTTP tells of it."""
    created = await client.post("/agents", json={"name": name, "dsl": AGENT.format(name=name, body=body)})
    assert created.status_code == 200, created.text
    started = await client.post(f"/agents/{created.json()['id']}/execute", json={})
    ident = started.json()["execution_id"]
    async with asyncio.timeout(30):
        while (found := await client.get(f"/runs/{ident}")).json()["completed_at"] is None:
            await asyncio.sleep(0.05)
    seen = [created, started, found, await client.get(f"/runs/{ident}/events"), await client.get("/runs")]
    seen += [await client.get(path) for path in ("/agents", "/audit?limit=1000", "/metrics", "/secrets", "/health")]
    return found.json(), "\n".join(each.text for each in seen)


def betrayed(text: str) -> bool:
    """Tell whether the canary, or a telling part of it in any dress, is in a text."""
    inner = base64.b64encode(f"user:{CANARY}".encode()).decode()[8:-6]
    forms = (CANARY, "7f3a-canary", json.dumps(CANARY)[1:-1], CANARY.encode().hex(), inner)
    return any(form in text for form in forms)


def written(folder: Path) -> list[str]:
    """Return the files below a folder that hold the canary."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and betrayed(path.read_bytes().decode("utf-8", "replace"))
    ]


async def set_canary(client: httpx.AsyncClient, name: str = "mail/word") -> None:
    done = await client.post("/secrets", json={"name": name, "value": CANARY})
    assert done.status_code == 200, done.text


@pytest.mark.parametrize("how", ["answer", "refuse", "break"])
async def test_the_value_is_nowhere_but_in_the_tool(
    server: Any, probe: Probe, log: io.StringIO, tmp_path: Path, how: str
) -> None:
    async with server() as up:
        await set_canary(up.client)
        found, seen = await run(up.client, "user", f'return probe("{how}", vault://mail/word)')
        assert probe.given == [{"how": how, "word": CANARY}]
        assert found["status"] == ("completed" if how == "answer" else "failed"), found["error"]
        told = json.dumps([found["result"], found["error"]])
        if how == "answer":
            assert found["result"]["word"] == "***"
        elif how == "refuse":
            assert "*** was refused" in told
        assert not betrayed(seen)
        kinds = [
            (each.kind, each.subject, each.outcome)
            for each in await up.kernel.services.get(AuditLog).read(kind="secret")
        ]
        assert kinds == [
            ("secret.set", "vault://mail/word", "begun"),
            ("secret.set", "vault://mail/word", "done"),
            ("secret.read", "vault://mail/word", "done"),
        ]
        assert (await up.kernel.services.get(MetricsService).collect()).flat["secrets_count"] == 1
    assert "the word is ***" in log.getvalue()
    assert not betrayed(log.getvalue())
    assert written(tmp_path) == []


async def test_a_tool_cannot_hand_it_to_the_agent_by_way_of_another(server: Any) -> None:
    async with server() as up:
        await set_canary(up.client)
        body = 'write_file("a.txt", vault://mail/word)\n        return read_file("a.txt")'
        found, seen = await run(up.client, "user", body)
        assert found["status"] == "completed", found
        assert "***" in json.dumps(found["result"])
        assert not betrayed(seen)


async def test_an_agent_that_may_not_read_it_is_denied_and_the_tool_is_not_called(server: Any, probe: Probe) -> None:
    async with server() as up:
        await set_canary(up.client)
        await set_canary(up.client, "other")
        for name, secret in (("stranger", "mail/word"), ("user", "other")):
            found, seen = await run(up.client, name, f'return probe("answer", vault://{secret})')
            assert (found["status"], found["error"]["code"]) == ("failed", "policy_denied")
            assert f"secret_read::{secret}" in seen
        assert probe.given == []
        assert [each.outcome for each in await up.kernel.services.get(AuditLog).read(kind="secret.read")] == []


async def test_an_unknown_name_fails_and_the_tool_is_not_called(server: Any, probe: Probe) -> None:
    async with server() as up:
        found, _ = await run(up.client, "user", 'return probe("answer", vault://mail/word)')
        assert (found["status"], found["error"]["code"]) == ("failed", "SECRET_NOT_FOUND")
    assert probe.given == []


async def test_without_a_store_the_effect_fails_and_says_what_to_install(server: Any, probe: Probe) -> None:
    async with server(without="secrets") as up:
        found, _ = await run(up.client, "user", 'return probe("answer", vault://mail/word)')
        assert found["error"]["code"] == "NO_SECRETS"
        assert "pip install symbi-secrets" in found["error"]["message"]
    assert probe.given == []


async def test_a_handle_does_not_fit_where_no_text_does(server: Any, probe: Probe) -> None:
    async with server() as up:
        await set_canary(up.client)
        found, _ = await run(up.client, "user", 'return probe("answer", [vault://mail/word])')
        assert found["status"] == "failed"
        assert found["error"]["code"] == "TOOL_ARGUMENTS_INVALID"
    assert probe.given == []


async def test_a_person_can_be_asked_about_a_secret(server: Any, probe: Probe) -> None:
    async def agree(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while not (held := (await client.get("/approvals?status=pending")).json()):
                await asyncio.sleep(0.05)
        assert probe.given == []
        await client.post(f"/approvals/{held[0]['id']}/approve")
        return list(held)

    async with server() as up:
        await set_canary(up.client)
        asked = asyncio.create_task(agree(up.client))
        found, seen = await run(up.client, "asker", 'return probe("answer", vault://mail/word)')
        held = await asked
        assert [(each["action"], each["target"]) for each in held] == [("secret_read", "mail/word")]
        assert found["status"] == "completed", found["error"]
        assert probe.given == [{"how": "answer", "word": CANARY}]
        assert not betrayed(seen + json.dumps(held))
