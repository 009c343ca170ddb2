"""§3.3: SIGKILL at random times; no due instant is lost and none is recorded twice. SYMBI_KILLS=200 makes it the long test."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symbi.contracts.errors import StoreLocked
from symbi.store.store import Store

CHILD = Path(__file__).with_name("scheduler_child.py")
KILLS = int(os.environ.get("SYMBI_KILLS", "4"))


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    """Start a runtime and wait until it fires."""
    child = subprocess.Popen([sys.executable, str(CHILD), str(folder), *more], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sigkill_at_random_times_loses_and_doubles_nothing(tmp_path: Path) -> None:
    rng = random.Random(11)
    for _ in range(KILLS):
        child = start(tmp_path)
        time.sleep(rng.random() * 0.9)
        child.send_signal(signal.SIGKILL)
        child.wait()
    child = start(tmp_path)
    time.sleep(1.5)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with sqlite3.connect(tmp_path / "data" / "symbi.db") as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = conn.execute(
            "SELECT schedule_id, count(*), count(DISTINCT scheduled_for), min(scheduled_for), max(scheduled_for) "
            "FROM scheduler_fires WHERE trigger != 'retry' GROUP BY schedule_id"
        ).fetchall()
        assert len(rows) == 20
        for _, number, distinct, first, last in rows:
            assert number == distinct == (last - first) // 1000 + 1
        states = dict(conn.execute("SELECT state, count(*) FROM scheduler_fires GROUP BY state").fetchall())
        assert set(states) <= {"completed", "queued", "claimed", "running"}, states
        ended = conn.execute("SELECT id FROM scheduler_fires WHERE state = 'completed'").fetchall()
    keys = [line.split()[0] for line in (tmp_path / "runs.log").read_text().splitlines()]
    assert {f"fire:{ident}" for (ident,) in ended} <= set(keys)


async def test_a_second_runtime_on_the_same_file_is_refused(tmp_path: Path) -> None:
    child = start(tmp_path)
    try:
        with pytest.raises(StoreLocked, match=str(child.pid)):
            await Store.open(f"sqlite:///{tmp_path}/data/symbi.db")
    finally:
        child.kill()
        child.wait()
