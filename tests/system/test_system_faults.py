"""What breaks around a server: it is killed, a plugin is bad, the disk or a file is wrong. Nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SLOW = 'metadata { version = "1.0" description = "d" }\nagent slow { with timeout = 20s { sleep(1s); return "slept" } }'
WRITER = """
metadata { version = "1.0", description = "writes a file" }
agent writer { capabilities = ["write_file"]
    with timeout = 60s { let done = write_file("a.txt", "hello"); return done } }
"""
POLICY = """
@id("writes-wait")
@obligation("approval:operators")
permit (principal == Symbi::Agent::"writer", action == Symbi::Action::"tool_call::write_file", resource);
"""
ENDED = {"completed", "failed", "terminated"}


def until(find: Any, seconds: float = 45) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)
    return found


def symbi(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    from_file = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines() if "=" in line)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SYMBI", "API_AUTH", "OTEL"))}
    return subprocess.run(
        [sys.executable, "-m", "symbi.cli", *arguments],
        cwd=folder,
        env={**clean, **from_file, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_kills_lose_nothing_that_was_acknowledged(project: Path, start_server) -> None:
    (project / "policies" / "writer.cedar").write_text(POLICY)
    server = start_server(project)
    chance = random.Random(7)
    ids = {
        name: server.client.post("/agents", json={"name": name, "dsl": text}).json()["id"]
        for name, text in (("slow", SLOW), ("writer", WRITER))
    }
    every = {"name": "often", "cron_expression": "* * * * * *", "agent_name": "slow"}
    job = server.client.post("/schedules", json=every).json()["job_id"]
    held = server.client.post(f"/agents/{ids['writer']}/execute", json={}).json()["execution_id"]
    waiting = until(lambda: server.client.get("/approvals?status=pending").json())[0]["id"]
    promised = {held}
    for _ in range(3):
        for _ in range(3):
            answer = server.client.post(f"/agents/{ids['slow']}/execute", json={})
            assert answer.status_code == 200, answer.text
            promised.add(answer.json()["execution_id"])
        time.sleep(chance.uniform(0.1, 1.5))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server = start_server(project)
        assert set(server.client.get("/agents").json()) >= set(ids.values())
        assert [each["id"] for each in server.client.get("/approvals?status=pending").json()] == [waiting]
        known = {each["run_id"] for each in server.client.get("/runs?limit=1000").json()["runs"]}
        assert promised <= known
    assert server.client.get(f"/schedules/{job}").json()["status"] == "active"
    assert server.client.post(f"/schedules/{job}/pause").status_code == 200
    assert server.client.post(f"/approvals/{waiting}/approve", json={}).status_code == 200

    def open_runs() -> list[dict[str, Any]]:
        runs = server.client.get("/runs?limit=1000").json()["runs"]
        return [each for each in runs if each["status"] not in ENDED]

    until(lambda: not open_runs())
    assert server.client.get(f"/runs/{held}").json()["status"] == "completed"
    fires = server.client.get(f"/schedules/{job}/history?limit=1000").json()["history"]
    assert fires and all(each["status"] not in ("running", "started", "pending") for each in fires)
    assert server.stop() == 0
    verified = symbi(project, "audit", "verify", "--json")
    assert verified.returncode == 0 and json.loads(verified.stdout)["ok"] is True, verified.stdout


class Distributions:
    """Fake installed plugins in folders that PYTHONPATH names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: list[str] = []

    def add(self, name: str, source: str, entry: str = "") -> None:
        home = self.folder / name
        package, meta = home / f"symbi_{name}", home / f"symbi_{name}-0.1.dist-info"
        package.mkdir(parents=True)
        meta.mkdir()
        (package / "__init__.py").write_text("")
        (package / "plugin.py").write_text(source)
        (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: symbi-{name}\nVersion: 0.1\n")
        (meta / "entry_points.txt").write_text(f"[symbi.plugins]\n{entry or name} = symbi_{name}.plugin\n")
        self.paths.append(str(home))


HANG = """
from symbi import hookimpl
import asyncio, contextlib, msgspec
class Hang: ...
class Config(msgspec.Struct): ...
@contextlib.asynccontextmanager
async def open_it(config, context):
    await asyncio.sleep(3600)
    yield Hang()
@hookimpl
def services():
    from symbi.contracts.offers import Service
    yield Service(name="hang", provides=f"{__name__}:Hang", config=f"{__name__}:Config", open=f"{__name__}:open_it", summary="Hangs.")
"""
ROUTE = """
from symbi import hookimpl
@hookimpl
def routes():
    from symbi.contracts.offers import RouteGroup
    yield RouteGroup(name="badroute", load="symbi_badroute.nowhere:HANDLERS")
"""
TAKEN = """
from symbi import hookimpl
@hookimpl
def commands():
    from symbi.contracts.offers import Command
    yield Command(name="run", load="symbi_taken.x:run", summary="Takes a name.")
"""
NONSENSE = "from symbi import hookimpl\n@hookimpl\ndef services():\n    yield 5\n@hookimpl\ndef routes():\n    raise ValueError('no')\n"


def test_bad_plugins_are_contained_and_named(project: Path, start_server, tmp_path: Path, monkeypatch) -> None:
    fakes = Distributions(tmp_path / "fakes")
    fakes.add("boom", "raise RuntimeError('boom')")
    fakes.add("leaving", "raise SystemExit(3)")
    fakes.add("hang", HANG)
    fakes.add("badroute", ROUTE)
    fakes.add("taken", TAKEN)
    fakes.add("twin", "from symbi import hookimpl", entry="agents")
    fakes.add("nonsense", NONSENSE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(fakes.paths))
    with (project / "symbi.toml").open("a") as settings:
        settings.write("\n[plugins]\nopen_timeout_seconds = 2\n")
    checked = symbi(project, "plugins", "doctor", "--json")
    assert checked.returncode == 1
    named = {each["distribution"]: each for each in json.loads(checked.stdout)["plugins"] if each["error"]}
    assert set(named) == {f"symbi-{name}" for name in ("boom", "leaving", "badroute", "taken", "twin", "nonsense")}
    server = start_server(project)
    shown = server.client.get("/plugins").json()
    listed = {each["distribution"]: each for each in (shown if isinstance(shown, list) else shown["plugins"])}
    for name in ("boom", "leaving", "twin"):
        assert listed[f"symbi-{name}"]["state"] == "broken" and listed[f"symbi-{name}"]["error"]
        assert listed[f"symbi-{name}"]["offers"] == []
    for name in ("hang", "badroute", "taken", "nonsense"):
        assert listed[f"symbi-{name}"]["state"] == "degraded" and listed[f"symbi-{name}"]["error"]
    assert listed["symbi-agents"]["state"] == listed["symbi-runs"]["state"] == "ready"
    assert "services:agents" in listed["symbi-agents"]["offers"]
    ran = server.client.post("/workflows/execute", json={"workflow_id": "hello", "parameters": {}})
    assert ran.status_code == 200 and ran.json()["result"]["greeting"] == "hello, world"


def test_what_stops_a_start_is_said_with_its_remedy(project: Path) -> None:
    def refused(*words: str, arguments: tuple[str, ...] = (), **environment: str) -> None:
        done = symbi(project, "up", "--port", "0", *arguments, **environment)
        assert done.returncode in (1, 2) and "Traceback" not in done.stderr, done.stderr
        assert "error: " in done.stderr.lower(), done.stderr
        assert all(word in done.stderr for word in words), done.stderr

    refused("API_AUTH_TOKEN", "try:", API_AUTH_TOKEN="password")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused("already in use", "--port", arguments=("--port", str(taken.getsockname()[1])))
    settings = (project / "symbi.toml").read_text()
    (project / "symbi.toml").write_text("[server")
    refused("symbi.toml", "TOML")
    (project / "symbi.toml").write_text("[server]\nprot = 1\n")
    refused("server.prot", "port")
    (project / "symbi.toml").write_text(settings)
    (project / "blocked").write_text("a file where a folder should be")
    refused("blocked", arguments=("--data-dir", "blocked"))
    data = project / ".symbi"
    data.mkdir(exist_ok=True)
    (data / "symbi.db").write_bytes(b"no database " * 1000)
    refused("symbi.db", "try:")


def test_a_second_runtime_a_newer_schema_and_a_broken_policy(project: Path, start_server) -> None:
    (project / "policies" / "broken.cedar").write_text("permit (")
    server = start_server(project)
    assert "refused" in (project / "server.log").read_text()
    decided = server.client.post("/policy/evaluate", json={"tool": "clock", "agent": "hello"}).json()
    assert decided["decision"] == "deny"
    second = symbi(project, "up", "--port", "0")
    assert second.returncode in (1, 2) and "in use by process" in second.stderr
    assert server.stop() == 0
    with sqlite3.connect(project / ".symbi" / "symbi.db") as store:
        changed = store.execute("update symbi_schema set revision = 'zz_from_the_future' where branch = 'runs'")
        assert changed.rowcount == 1
    refused = symbi(project, "up", "--port", "0")
    assert refused.returncode in (1, 2)
    assert "newer version" in refused.stderr
    assert "Traceback" not in refused.stderr
    with sqlite3.connect(project / ".symbi" / "symbi.db") as store:
        kept = store.execute("select revision from symbi_schema where branch = 'runs'").fetchone()
    assert kept == ("zz_from_the_future",)
