"""kill -9 in the middle of writing: no acknowledged record is lost, a torn line is removed with a note, the chain stays valid."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from symbi_audit.config import AuditPlaces
from symbi_audit.segments import forwards, list_segments
from symbi_audit.service import AuditService
from symbi_audit.verify import verify_log

OpenLog = Callable[..., AbstractAsyncContextManager[AuditService]]
KILLS = int(os.environ.get("SYMBI_KILLS", "50"))


def test_kills_lose_nothing_that_was_acknowledged(data_dir: Path, places: AuditPlaces, tmp_path: Path) -> None:
    acknowledged = tmp_path / "acknowledged"
    command = [sys.executable, str(Path(__file__).with_name("audit_victim.py")), str(acknowledged)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdin is not None
        assert victim.stdout is not None
        for round_ in range(KILLS):
            victim.stdin.write(f"{data_dir}\n")
            victim.stdin.flush()
            said = {victim.stdout.readline().strip(), victim.stdout.readline().strip()}
            assert "ready" in said, said
            time.sleep(random.Random(round_).uniform(0, 0.04))
            os.kill(next(int(word) for word in said if word.isdigit()), signal.SIGKILL)
            assert victim.stdout.readline() == "gone\n"
            if round_ % 10 == 9:
                verdict = verify_log(places)
                assert verdict.ok, verdict.reason
        victim.stdin.close()
    kept = {
        (b'"seq":%d,' % int(seq), digest.encode())
        for seq, digest in map(str.split, acknowledged.read_text().splitlines())
    }
    assert len(kept) > KILLS
    lines = list(forwards(places.folder, 0))
    by_hash = {line.partition(b'"hash":"')[2][:64]: line for line in lines}
    assert all(seq in by_hash.get(digest, b"") for seq, digest in kept)


async def test_a_torn_last_line_is_removed_with_a_note(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log() as log:
        await log.append("test.entry", principal="x")
    path = list_segments(places.folder)[-1].path
    with path.open("ab") as file:
        file.write(b'{"at":"2026-01-01T00:00:00Z","deta')
    verdict = verify_log(places)
    assert verdict.ok
    assert "incomplete" in verdict.reason
    async with open_log() as log:
        (note,) = await log.read(kind="audit.repaired")
    assert note.details["bytes_removed"] == 34
    assert note.details["segment"] == path.name
    assert verify_log(places).ok


async def test_a_crash_before_the_first_record_leaves_a_log_that_opens(open_log: OpenLog, places: AuditPlaces) -> None:
    async with open_log():
        pass
    for segment in list_segments(places.folder):
        segment.path.unlink()
    places.anchor.unlink()
    (places.folder / "public.pem").unlink()
    async with open_log() as log:
        assert (await log.append("test.entry", principal="x")).seq == 2
    assert verify_log(places).ok
