"""The file exporter: whole documents only, modes, faults, history."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from symbi.contracts.errors import Unavailable
from symbi.testing.exporters import ExporterContract, a_snapshot
from symbi_file import FileMetricsExporter, plugin
from symbi_file.config import FileConfig


class TestContract(ExporterContract):
    """Everything an exporter must do."""

    plugin = plugin
    name = "file"


async def test_the_file_equals_the_route(tmp_path):
    await FileMetricsExporter(tmp_path / "m.json").export(a_snapshot())
    assert json.loads((tmp_path / "m.json").read_text()) == a_snapshot().wire()


@pytest.mark.parametrize(("readable", "mode"), [(True, 0o644), (False, 0o600)])
async def test_the_mode_is_as_configured(tmp_path, readable, mode):
    before = os.umask(0o022)
    try:
        await FileMetricsExporter(tmp_path / "m.json", FileConfig(readable_by_others=readable)).export(a_snapshot())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "m.json").stat().st_mode) == mode


async def test_a_reader_never_sees_half_a_document(tmp_path):
    path, stop, torn, seen = tmp_path / "m.json", threading.Event(), [], []
    exporter = FileMetricsExporter(path, FileConfig(fsync=False))
    await exporter.export(a_snapshot())

    def read():
        while not stop.is_set():
            try:
                json.loads(path.read_bytes())
                seen.append(1)
            except ValueError:
                torn.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(300):
        await exporter.export(a_snapshot(more={"x": "y" * 5000}))
    stop.set()
    reader.join()
    assert torn == []
    assert len(seen) > 10


async def test_a_symlink_is_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "m.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(tmp_path / "real" / "m.json")
    await FileMetricsExporter(tmp_path / "link.json").export(a_snapshot())
    assert (tmp_path / "link.json").is_symlink()
    assert "system" in json.loads((tmp_path / "real" / "m.json").read_text())


async def test_a_full_disk_leaves_the_old_file_whole(tmp_path, monkeypatch):
    def no_space(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    exporter = FileMetricsExporter(tmp_path / "m.json")
    await exporter.export(a_snapshot())
    before = (tmp_path / "m.json").read_bytes()
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(Unavailable, match="cannot be written"):
        await exporter.export(a_snapshot(more={"x": 1}))
    assert (tmp_path / "m.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


async def test_an_unusable_folder_is_said(make_kernel, tmp_path):
    from symbi.kernel.points import EXPORTERS

    (tmp_path / "blocked").write_text("")
    async with make_kernel([plugin]) as kernel:
        with pytest.raises(Unavailable, match="cannot be used"):
            async with kernel.open(EXPORTERS, "file", {"path": str(tmp_path / "blocked" / "m.json")}):
                pass


async def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    stale, fresh = tmp_path / ".m.json.1.tmp", tmp_path / ".m.json.2.tmp"
    stale.write_text("")
    fresh.write_text("")
    os.utime(stale, (time.time() - 7200,) * 2)
    FileMetricsExporter(tmp_path / "m.json").prepare()
    assert not stale.exists()
    assert fresh.exists()


async def test_the_history_grows_and_is_rotated(tmp_path):
    config = FileConfig(history="h.jsonl", history_max_bytes=1500, history_files=2)
    exporter = FileMetricsExporter(tmp_path / "m.json", config)
    for _ in range(30):
        await exporter.export(a_snapshot())
    names = sorted(path.name for path in tmp_path.glob("h.jsonl*"))
    assert names == ["h.jsonl", "h.jsonl.1", "h.jsonl.2"]
    for name in names:
        assert all(json.loads(line)["system"] for line in (tmp_path / name).read_text().splitlines())
        assert (tmp_path / name).stat().st_size <= 1500


KILLED = """
import asyncio, sys
from symbi_file import FileMetricsExporter
from symbi.testing.exporters import a_snapshot
async def main():
    exporter = FileMetricsExporter(sys.argv[1])
    print("ready", flush=True)
    while True:
        await exporter.export(a_snapshot(more={"x": "y" * 20000}))
asyncio.run(main())
"""


async def test_kill_9_while_writing_leaves_a_whole_document(tmp_path):
    for delay in (0.01, 0.03, 0.05):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "m.json")], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        await asyncio.sleep(0.05 + delay)
        process.kill()
        process.wait()
        process.stdout.close()
        assert json.loads((tmp_path / "m.json").read_text())["system"]
