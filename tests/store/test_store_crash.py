"""kill -9 at any moment: nothing that was acknowledged is lost, nothing is half done (spec/scheduling.md §3.3)."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from symbi.testing.postgres import PrivatePostgres, find_binaries

HERE = Path(__file__).parent
KILLS = int(os.environ.get("SYMBI_KILLS", "60"))  # SYMBI_KILLS=250 for a longer proof

Writer = subprocess.Popen[str]


@pytest.fixture
def acknowledged(tmp_path: Path) -> Path:
    return tmp_path / "acknowledged"


@pytest.fixture
def writer(acknowledged: Path) -> Iterator[Writer]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "crash_writer.py"), str(acknowledged)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def run_and(interrupt: Callable[[int], None], writer: Writer, url: str, round_: int) -> int:
    """Start one round, interrupt it at a random moment after it opened the store, and return how it ended."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(f"{url} {round_}\n")
    writer.stdin.flush()
    said = {writer.stdout.readline().strip(), writer.stdout.readline().strip()}  # the pid and "ready", in any order
    child = next(int(word) for word in said if word.isdigit())
    assert "ready" in said
    time.sleep(random.Random(round_).uniform(0.0, 0.06))
    interrupt(child)
    return int(writer.stdout.readline())


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)


def test_kills_lose_nothing_that_was_acknowledged(writer: Writer, acknowledged: Path, tmp_path: Path) -> None:
    path = tmp_path / "data" / "symbi.db"
    for round_ in range(KILLS):
        assert run_and(kill, writer, f"sqlite:///{path}", round_) == signal.SIGKILL
        if round_ % 10 == 9:
            check(sqlite3.connect(path).execute, acknowledged)
    promised = acknowledged.read_text().split()
    assert len({id.partition("-")[0] for id in promised}) > KILLS // 2, "most kills must hit a writer at work"
    with sqlite3.connect(path) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    conn.close()


def test_crashes_of_postgresql_lose_nothing_that_was_acknowledged(writer: Writer, acknowledged: Path) -> None:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    server = PrivatePostgres(binaries, durable=True)
    try:
        server.start()
        url = server.url()
        for round_ in range(3):
            run_and(lambda child: server.stop("immediate"), writer, url, round_)
            server.resume()
        with psycopg.connect(url) as conn:
            check(conn.execute, acknowledged)
    finally:
        server.remove()


def check(execute: Callable[[str], sqlite3.Cursor | psycopg.Cursor], acknowledged: Path) -> None:
    kept = {row[0] for row in execute("SELECT id FROM notes").fetchall()}
    lost = set(acknowledged.read_text().split()) - kept
    assert not lost
    assert execute("SELECT count(*) FROM remarks").fetchone() == (len(kept),), "both rows of a pair or none"
    assert len(kept) > 0
