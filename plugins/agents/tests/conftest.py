"""A tiny agent language and a recording run service, so that the registry is tested on its own."""

from __future__ import annotations

import hashlib
import re
import types
from contextlib import asynccontextmanager

import pytest

from symbi import Service, hookimpl
from symbi.contracts.definitions import AgentSpec, Diagnostic, ParsedDefinition, ScheduleSpec
from symbi.contracts.errors import NotFound
from symbi.contracts.languages import AgentLanguage
from symbi.contracts.runs import LiveRun, RunService, RunView, Usage


class TinyLanguage:
    """`agent NAME {}` declares an agent, `schedule NAME` a schedule, `!` is a syntax error."""

    name = "symbi"
    entry = "nowhere:run"

    def parse(self, text, *, path="", agents=None):
        digest = hashlib.sha256(text.encode()).hexdigest()
        if "!" in text:
            line = text[: text.index("!")].count("\n") + 1
            fault = Diagnostic(
                severity="error",
                code="E200",
                message="unexpected '!'",
                hint="remove it",
                line=line,
                column=1,
                end_line=line,
                end_column=2,
            )
            return ParsedDefinition(path=path, diagnostics=(fault,))
        found = tuple(AgentSpec(name=name, line=1, digest=digest) for name in re.findall(r"agent (\w+)", text))
        schedules = tuple(
            ScheduleSpec(name=name, key=name, line=1, cron="0 0 9 * * *", agent="x")
            for name in re.findall(r"schedule (\w+)", text)
        )
        return ParsedDefinition(path=path, agents=found, schedules=schedules, digest=digest)

    def derive(self, name, *, system_prompt, model="", tools=(), description=""):
        return f"agent {name} {{}} // {system_prompt}"


class RecordingRuns:
    """Answers what a test put in."""

    def __init__(self):
        self.started, self.stopped, self.delivered = [], [], []
        self.live_runs, self.past = [], []

    async def start(self, agent, input, *, principal, options):
        self.started.append((agent, input, principal.id, options))
        return run_view(run_id="run-1", agent_id=agent, status="queued")

    async def live(self, agent_id):
        return self.live_runs

    async def list(self, *, agent_id=None, status=(), schedule_id=None, limit=50, before=None):
        return [run for run in self.past if not status or run.status in status][:limit]

    async def heartbeat(self, agent_id):
        return len(self.live_runs)

    async def deliver(self, agent_id, event_type, payload, *, principal, event_id=None):
        self.delivered.append((agent_id, event_type, payload))
        return "event-1"

    async def stop_agent(self, agent_id, *, principal, reason=""):
        self.stopped.append(agent_id)

    async def get(self, run_id):
        raise NotFound("no run")


def run_view(**values):
    base = {
        "run_id": "r", "agent_id": "a", "agent": "x", "status": "completed", "trigger": "manual", "principal": "token", "input": {}, "result": None, "error": None,
        "attempt": 1, "schedule_id": None, "scheduled_for": None, "created_at": 1000, "started_at": 2000, "completed_at": 3000, "usage": Usage(),
    }  # fmt: skip
    return RunView(**{**base, **values})


def live_run(**values):
    return LiveRun(
        **{
            "run_id": "r",
            "status": "running",
            "pid": 12345,
            "started_at": 1000,
            "memory_bytes": 268435456,
            "cpu_percent": 15.5,
            **values,
        }
    )


@pytest.fixture
def runs():
    return RecordingRuns()


@pytest.fixture
def stand_ins(runs):
    @asynccontextmanager
    async def open_language(config, context):
        yield TinyLanguage()

    @asynccontextmanager
    async def open_runs(config, context):
        yield runs

    language = AgentLanguage(name="symbi", suffixes=(".symbi", ".dsl"), open=open_language, entry="nowhere:run")
    return types.SimpleNamespace(
        agent_languages=hookimpl(lambda: [language]),
        services=hookimpl(lambda: [Service(name="runs", provides=RunService, open=open_runs)]),
    )


@pytest.fixture
def agents_app(make_app, stand_ins, tmp_path):
    def opened(*more, **options):
        tables = {"plugins": {"agent-folder": {"directory": str(tmp_path / "agents")}}, **options.pop("tables", {})}
        return make_app(["symbi_agents.plugin", stand_ins, *more], tables=tables, **options)

    return opened


@pytest.fixture
def a_run():
    return run_view


@pytest.fixture
def a_live_run():
    return live_run
