"""The commands of runs: what people read, what programs read, exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from symbi_runs.cli.timeline import line_of


@pytest.fixture
def invoke(tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call `symbi …` in a folder of its own with the stand-ins instead of the installed plugins."""
    from runs_stand_ins import StandIns

    from symbi.cli.main import symbi
    from symbi.cli.state import CliState
    from symbi.testing.kernels import closed_manager

    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "symbi.toml").write_text('[execution]\nexecutor = "inline"\ngrace_seconds = 0.5\n')
    monkeypatch.setattr(
        CliState, "manager", property(lambda self: closed_manager("symbi_runs.plugin", StandIns(world)))
    )
    world.add("a", "call_tool")
    world.add("bad", "fails_for_good")
    return lambda *words: CliRunner().invoke(symbi, [*words], catch_exceptions=False)


def test_run_by_name_prints_its_timeline(invoke: Any) -> None:
    done = invoke("run", "a")
    assert done.exit_code == 0, done.output
    assert "allow tool_call::echo" in done.output
    assert "completed" in done.output


def test_json_is_one_document(invoke: Any) -> None:
    done = invoke("run", "a", "--json", "--input", '{"tool": "echo"}')
    body = json.loads(done.stdout)
    assert {"run_id", "agent", "status", "result", "error", "events"} <= set(body)
    assert body["events"][0]["kind"] == "queued"
    assert body["events"][-1]["kind"] == "completed"


def test_failed_run_exits_1_and_denied_one_too(invoke: Any, world: Any) -> None:
    assert invoke("run", "bad").exit_code == 1
    world.deny.add("tool_call::echo")
    denied = invoke("run", "a")
    assert denied.exit_code == 1
    assert "deny tool_call::echo" in denied.output


def test_wrong_usage_exits_2(invoke: Any) -> None:
    assert invoke("run", "nobody").exit_code == 2
    assert invoke("run", "missing/file.symbi").exit_code == 2
    assert invoke("run", "a", "--input", "{broken").exit_code == 2
    assert invoke("run").exit_code == 2


def test_file_is_run_without_being_registered(invoke: Any, world: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.symbi").write_text("noop")
    before = dict(world.agents)
    done = invoke("run", "mine.symbi", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["agent"] == "adhoc"
    assert world.agents == before


def test_list_show_and_cancel(invoke: Any) -> None:
    run_id = json.loads(invoke("run", "a", "--json").stdout)["run_id"]
    listed = json.loads(invoke("runs", "list", "--json").stdout)["runs"]
    assert [run["run_id"] for run in listed] == [run_id]
    shown = invoke("runs", "show", run_id)
    assert "status        completed" in shown.output
    assert "effect" in shown.output
    assert json.loads(invoke("runs", "show", run_id, "--json").stdout)["events"][0]["seq"] == 1
    assert invoke("runs", "cancel", run_id).exit_code == 1
    assert invoke("runs", "show", "nothing").exit_code == 1
    assert invoke("runs", "tail", run_id).exit_code == 0


def test_worker_needs_a_shared_store(invoke: Any) -> None:
    done = invoke("worker")
    assert done.exit_code == 2
    assert "postgresql://" in done.output


@pytest.mark.parametrize(
    "command", [("run",), ("runs", "list"), ("runs", "show"), ("runs", "cancel"), ("runs", "tail"), ("worker",)]
)
def test_help_has_an_example(invoke: Any, command: tuple[str, ...]) -> None:
    assert "Example: symbi" in " ".join(invoke(*command, "--help").output.split())


def test_every_kind_of_entry_has_words() -> None:
    assert line_of("failed", {"error": {"code": "x", "message": "y", "line": 3}}) == "x: y (line 3)"
    assert line_of("waiting", {"approval_id": "a1", "reason": "ask"}) == "for approval a1: ask"
    assert line_of("waiting", {"for": "event news"}) == "for event news"
    assert line_of("never heard of", {"x": 1}) == '{"x": 1}'


def test_commands_leave_the_queue_alone(invoke: Any, tmp_path: Path) -> None:
    """What waits for the server is neither started nor ended by a command that only looks, or runs something else."""
    from symbi.kernel.kernel import Kernel

    async def queue_one() -> str:
        from symbi.cli.state import CliState
        from symbi.contracts.principal import LOCAL_ADMIN
        from symbi.contracts.runs import RunService

        state = CliState()
        state.settings.environ["SYMBI_ROLE"] = "command"
        async with Kernel(state.settings, manager=state.manager) as kernel:
            return (await kernel.services.get(RunService).start("a", {}, principal=LOCAL_ADMIN)).run_id

    run_id = asyncio.run(queue_one())
    assert json.loads(invoke("runs", "list", "--json").stdout)["runs"][0]["status"] == "queued"
    assert invoke("run", "a").exit_code == 0
    assert json.loads(invoke("runs", "show", run_id, "--json").stdout)["status"] == "queued"
