"""Kills whole runtimes with SIGKILL at random moments and checks that nothing acknowledged was lost and nothing was done twice.

Each life is a fork of this (single-threaded, preloaded) process: it opens a kernel on the same data directory, goes on with what the lives
before have left, starts further runs, and dies. The last life only finishes. Used by the tests (few kills) and `benchmarks/crash.py` (many).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))


class Report:
    """What was found after the last life."""

    def __init__(self) -> None:
        self.kills = 0
        self.acknowledged = 0
        self.statuses: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.retries = 0
        self.faults: list[str] = []


class Recorder:
    """Appends to a file that survives the process, one whole line at a time."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def note(self, *words: object) -> None:
        os.write(self._descriptor, (" ".join(str(word) for word in words) + "\n").encode())


async def life(folder: Path, *, finish: bool, store: str = "", executor: str = "process") -> None:
    """Be one runtime: until killed, or (with `finish`) until every run has ended."""
    from runs_stand_ins import FakeTools, StandIns, World

    from symbi.contracts.principal import LOCAL_ADMIN
    from symbi.contracts.runs import RunOptions, RunService
    from symbi.testing.kernels import open_kernel

    world = World()
    world.add("noop", "noop")
    world.add("tools", "three_tools")
    world.add("sender", "send_then_wait")
    world.add("parent", "delegates")
    acknowledged, done = Recorder(folder / "acknowledged"), Recorder(folder / "done")

    class Tools(FakeTools):
        async def call(self, name: str, arguments: dict[str, Any], *, run: Any) -> Any:
            done.note(run.run_id, name, arguments["n"])
            await asyncio.sleep(0.002)
            return {"tool": name, **arguments}

    stand_ins = StandIns(world)
    stand_ins.tools_type = Tools
    tables: dict[str, Any] = {"execution": {"executor": executor, "max_losses": 1000, "lease_seconds": 3.0}}
    tables["plugins"] = {"process": {"import_folders": [str(HERE)]}}
    if store:
        tables["store"] = {"url": store}
    async with open_kernel(folder, ["symbi_runs.plugin", "symbi_process.plugin", stand_ins], tables=tables) as kernel:
        runs: Any = kernel.services.get(RunService)

        async def feed(number: int) -> None:
            while True:
                agent = random.choice(["noop", "tools", "sender", "parent"])
                given = {"to": "noop"} if agent == "parent" else {}
                run = await runs.start(agent, given, principal=LOCAL_ADMIN, options=RunOptions())
                acknowledged.note(run.run_id)
                await runs.wait(run.run_id, timeout=10)

        if not finish:
            await asyncio.gather(*(feed(number) for number in range(6)))
        deadline = time.monotonic() + 60
        while await runs.list(status=("queued", "claimed", "running", "waiting"), limit=1):
            if time.monotonic() > deadline:
                raise TimeoutError("runs are left over")
            await asyncio.sleep(0.02)


def one_life(folder: Path, *, seconds: float | None, store: str, executor: str) -> int:
    """Fork a life, kill it after `seconds` (None: let it finish), and return its wait status."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            log = os.open(folder / "log", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
            os.dup2(log, 1)
            os.dup2(log, 2)
            random.seed(os.urandom(8))
            asyncio.run(life(folder, finish=seconds is None, store=store, executor=executor))
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def crash(folder: Path, *, kills: int, seed: int = 0, store: str = "", executor: str = "process") -> Report:
    """Kill `kills` lives, let one finish, and check what is left."""
    generator = random.Random(seed)
    report = Report()
    for _ in range(kills):
        status = one_life(folder, seconds=generator.uniform(0.12, 0.5), store=store, executor=executor)
        if not os.WIFSIGNALED(status):
            report.faults.append(f"a life ended by itself with {status}")
        report.kills += 1
    if one_life(folder, seconds=None, store=store, executor=executor) != 0:
        report.faults.append("the last life failed: " + (folder / "log").read_text()[-2000:])
    if not store:
        check(folder, report)
    return report


def check(folder: Path, report: Report) -> None:
    """Look at the store and at what was really done."""
    base = sqlite3.connect(folder / "data" / "symbi.db")
    if base.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        report.faults.append("the database is damaged")
    runs = {row[0]: row[1:] for row in base.execute("SELECT id, status, agent, error FROM runs")}
    acknowledged = (folder / "acknowledged").read_text().split()
    report.acknowledged = len(acknowledged)
    report.faults += [f"run {run_id} was acknowledged and is gone" for run_id in acknowledged if run_id not in runs]
    for run_id, (status, agent, error) in runs.items():
        report.statuses[status] += 1
        if status != "completed":
            report.codes[str(error)[:60]] += 1
            if not (agent in ("sender", "parent") and "outcome_unknown" in str(error)):
                report.faults.append(f"run {run_id} of {agent} is {status}: {error}")
        events = base.execute("SELECT seq, kind FROM run_events WHERE run_id = ? ORDER BY seq", (run_id,)).fetchall()
        report.retries += sum(1 for _, kind in events if kind == "retry")
        if [seq for seq, _ in events] != list(range(1, len(events) + 1)):
            report.faults.append(f"the journal of run {run_id} has gaps")
        ends = [seq for seq, kind in events if kind in ("completed", "failed", "terminated", "lost")]
        if ends != [len(events)]:
            report.faults.append(f"run {run_id} has ends at {ends} of {len(events)}")
    check_effects(folder, runs, report)


def check_effects(folder: Path, runs: dict[str, Any], report: Report) -> None:
    """No effect that may not be repeated was; every effect of a completed run was done."""
    done = Counter(tuple(line.split()) for line in (folder / "done").read_text().splitlines())
    for (run_id, name, number), count in done.items():
        if name == "send" and count > 1:
            report.faults.append(f"send {number} of run {run_id} was done {count} times")
    for run_id, (status, agent, _) in runs.items():
        wanted = {
            "tools": [("echo", "0"), ("echo", "1"), ("echo", "2")],
            "sender": [("echo", "1"), ("send", "2"), ("echo", "3")],
        }.get(agent, [])
        if status == "completed":
            report.faults += [
                f"{name} {number} of run {run_id} was never done"
                for name, number in wanted
                if not done[(run_id, name, number)]
            ]


def agent_processes() -> list[int]:
    """Return the wardens and agent hosts that live on this machine as orphans of a killed runtime."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                command = Path(f"/proc/{name}/cmdline").read_bytes()
                stat = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if (
                b"symbi_process.warden" in command
                and str(HERE).encode() in command
                and stat[1] == "1"
                and stat[0] != "Z"
            ):
                found.append(int(name))
    return found
