"""Reading segments from anywhere in both directions, whatever the sizes of records and files are."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbi_audit import segments
from symbi_audit.segments import backwards, forwards, list_segments, segment_name


def seqs(lines: list[bytes]) -> list[int]:
    return [found["seq"] for found in map(msgspec.json.decode, lines) if "seq" in found]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.integers(1, 1000),
    files=st.lists(st.lists(st.integers(0, 400), min_size=1, max_size=25), min_size=1, max_size=4),
    marks=st.integers(1, 7),
    torn=st.binary(max_size=20).filter(lambda text: b"\n" not in text),
    block=st.sampled_from([64, 300, 65536]),
    where=st.integers(-3, 110),
)
def test_both_directions_agree_with_a_plain_reading(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: int,
    files: list[list[int]],
    marks: int,
    torn: bytes,
    block: int,
    where: int,
) -> None:
    monkeypatch.setattr(segments, "_BLOCK", block)
    folder = tmp_path / "log"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    seq, everything = first, []
    for sizes in files:
        lines = []
        name = segment_name(seq)
        for size in sizes:
            lines.append(msgspec.json.encode({"pad": "x" * size, "seq": seq}) + b"\n")
            if seq % marks == 0:
                lines.append(b'{"checkpoint":{"seq":%d}}\n' % seq)
            seq += 1
        (folder / name).write_bytes(b"".join(lines))
        everything += lines
    with list_segments(folder)[-1].path.open("ab") as file:
        file.write(torn)
    after = max(first + where, 0)
    numbers = seqs(everything)
    assert list(forwards(folder, 0)) == everything
    assert list(backwards(folder, 0)) == everything[::-1]
    assert seqs(list(forwards(folder, after))) == [number for number in numbers if number > after]
    if after:
        assert seqs(list(backwards(folder, after))) == [number for number in reversed(numbers) if number < after]


def test_no_folder_holds_nothing(tmp_path: Path) -> None:
    assert list(forwards(tmp_path / "none", 0)) == list(backwards(tmp_path / "none", 0)) == []
