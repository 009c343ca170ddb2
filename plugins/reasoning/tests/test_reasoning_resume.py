"""Resume, replay and secrets: a loop that is taken up again asks no model and runs no tool a second time (RSN-25, RSN-41, RSN-43)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from symbi.contracts.models import ModelError
from symbi.testing.models import CANARY_KEY, Reply, scripted_models

HARNESS = Path(__file__).parent / "reasoning_crash.py"


def script_of(world: Any) -> Any:
    """Answer by what was said before, so that any number of lives sees the same model."""

    def script(request: Any) -> Any:
        results = sum(message.role == "tool" for message in request.messages)
        if results >= 6:
            return Reply(text="done")
        return Reply(
            calls=(("echo", {"n": results}), ("echo", {"n": results + 1})), call_ids=(f"c{results}", f"c{results + 1}")
        )

    return script


async def test_rsn_40_the_journal_holds_every_effect_in_order(house: Any, world: Any) -> None:
    world.script = script_of(world)
    run = await house.run()
    assert run.result == "done"
    events = await house.events(run)
    kinds = [event.data["kind"] for event in events if event.kind == "effect"]
    turn = ["model", "tool", "tool"]
    assert kinds == ["brief", *turn, *turn, *turn, "model", "respond"]
    decided = [event.data["action"] for event in events if event.kind == "gate"]
    assert decided.count("reason") == 4
    assert decided.count("tool_call") == 6


@pytest.mark.parametrize("calls_before", [0, 1, 3, 5])
def test_rsn_41_kill_9_and_go_on(tmp_path: Path, calls_before: int) -> None:
    """The runtime is killed with the agent; its next life asks no recorded question and runs no finished tool again."""
    first = subprocess.Popen([sys.executable, str(HARNESS), str(tmp_path), str(calls_before)], start_new_session=True)
    marker = tmp_path / "reached"
    until = time.monotonic() + 20
    while not marker.exists():
        assert time.monotonic() < until
        assert first.poll() is None
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    second = subprocess.run(
        [sys.executable, str(HARNESS), str(tmp_path), "-1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 0, second.stderr[-3000:]
    told = msgspec.json.decode(second.stdout.splitlines()[-1])
    assert (told["status"], told["result"]) == ("completed", "done")
    done = (tmp_path / "calls").read_text().split()
    assert sorted(set(done)) == [str(n) for n in range(6)]
    # The call under way when the runtime died is idempotent and is repeated; what was finished is not.
    assert len(done) <= 7
    questions = (tmp_path / "asked").read_text().split()
    assert len(questions) <= 4 + 1
    assert len(set(questions)) == 4


async def test_rsn_43_a_replay_makes_the_same_transcript(open_house: Any, world: Any, tmp_path: Path) -> None:
    """The same answers give the same conversation, to the letter."""
    transcripts = []
    for life in range(2):
        world.asked.clear()
        world.script = script_of(world)
        async with open_house(folder=tmp_path / str(life)) as house:
            await house.run()
        transcripts.append([msgspec.to_builtins(each.messages) for each in world.asked])
    assert transcripts[0] == transcripts[1]


async def test_rsn_25_a_canary_key_is_in_no_output(open_house: Any, world: Any, tmp_path: Path, caplog: Any) -> None:
    """The provider's key, which the provider even repeats in its error: neither in journal, answer, log nor data directory."""
    caplog.set_level("DEBUG")
    async with scripted_models([Reply(status=401, message=f"no such key {CANARY_KEY}")]) as server:
        settings = {"base_url": server.url, "allow_local": True, "api_key": CANARY_KEY}
        plugin = _Keyed(settings)
        async with open_house(llm={"provider": "keyed"}, plugins=[plugin]) as house:
            run = await house.run()
            assert run.status == "failed"
            events = await house.events(run)
            assert CANARY_KEY in str(server.headers)
    seen = [
        str(run),
        str(events),
        caplog.text,
        *(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()),
    ]
    assert not [text for text in seen if CANARY_KEY in text]


class _Keyed:
    """Offers the real OpenAI-compatible provider with a key in its settings."""

    __name__ = "keyed"

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    from symbi import hookimpl

    @hookimpl
    def llm_providers(self) -> Any:
        import importlib

        from symbi.contracts.models import ModelProvider
        from symbi.kernel.settings import decode_secret

        kind = importlib.import_module("symbi_openrouter.config").OpenAIConfig
        open_openai = importlib.import_module("symbi_openrouter.provider").open_openai
        config = msgspec.convert(self.settings, kind, dec_hook=decode_secret)
        yield ModelProvider(name="keyed", open=lambda _config, context: open_openai(config, context))


async def test_a_model_that_fails_for_good_fails_the_run_with_its_code(house: Any, world: Any) -> None:
    world.script = [ModelError("overloaded", code="MODEL_TIMEOUT", retryable=True)]
    run = await house.run()
    assert run.error["code"] == "MODEL_TIMEOUT"


async def test_rsn_43_a_fork_goes_on_from_a_step_and_a_replay_asks_nothing(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from conftest import StandIns

    from symbi.contracts.runs import RunService
    from symbi.testing.apps import open_app

    names = ["symbi_runs.plugin", "symbi_process.plugin", "symbi_reasoning.plugin", StandIns(world)]
    tables = {"llm": {"provider": "scripted"}, "execution": {"executor": "inline"}}
    async with open_app(tmp_path, names, tables=tables) as app:
        runs: Any = app.kernel.services.get(RunService)

        async def ended(path: str, body: Any) -> Any:
            started = (await app.client.post(path, json=body)).json()
            return await runs.wait(started["run_id"], timeout=10)

        world.script = script_of(world)
        first = await ended("/runs", {"agent": "helper", "input": "go"})
        assert (first.result, len(world.asked), len(world.calls)) == ("done", 4, 6)
        replay = await ended(f"/runs/{first.run_id}/fork", {})
        assert replay.result == "done", replay.error
        assert (len(world.asked), len(world.calls)) == (4, 6)
        # Effects: brief, then model and two tools a turn; the seventh ends the second turn.
        world.script = [Reply(text="another end")]
        fork = await ended(f"/runs/{first.run_id}/fork", {"step": 7})
        assert fork.result == "another end", fork.error
        assert (len(world.asked), len(world.calls)) == (5, 6)
        assert sum(message.role == "tool" for message in world.asked[-1].messages) == 4
        assert (await app.client.post("/runs/nobody/fork", json={})).status_code == 404
        assert (await app.client.post(f"/runs/{first.run_id}/fork", json={"step": -1})).status_code == 400
        world.gate.allow = []
        assert (await app.client.post(f"/runs/{first.run_id}/fork", json={})).status_code == 403
