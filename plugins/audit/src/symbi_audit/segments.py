"""The files of the log: segments of JSON lines, named by the sequence number of their first record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

__all__ = ["Segment", "backwards", "forwards", "list_segments", "segment_name"]

_BLOCK = 64 * 1024


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One file; `first` is the sequence number of its first record."""

    first: int
    path: Path


class _Seq(msgspec.Struct):
    seq: int = 0


_seq_decoder = msgspec.json.Decoder(_Seq)


def segment_name(first: int) -> str:
    """Return the name of the segment that begins with record `first`."""
    return f"{first:015d}.jsonl"


def list_segments(folder: Path) -> list[Segment]:
    """Return the segments in order; no folder, no segments."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix == ".jsonl" and path.stem.isdigit()]
    return [Segment(first=int(path.stem), path=path) for path in sorted(found, key=lambda path: int(path.stem))]


def forwards(folder: Path, after: int) -> Iterator[bytes]:
    """Yield the lines from the first record with a larger `seq` than `after`; a torn last line is left out."""
    segments = list_segments(folder)
    start = max((number for number, segment in enumerate(segments) if segment.first <= after + 1), default=0)
    for segment in segments[start:]:
        with segment.path.open("rb") as file:
            file.seek(_offset(file, after + 1))
            for line in file:
                if line.endswith(b"\n"):
                    yield line


def backwards(folder: Path, before: int) -> Iterator[bytes]:
    """Yield the lines from the last record with a smaller `seq` than `before`, newest first; 0 begins at the end."""
    for segment in reversed(list_segments(folder)):
        if before and segment.first >= before:
            continue
        with segment.path.open("rb") as file:
            end = _offset(file, before) if before else os.fstat(file.fileno()).st_size
            yield from _lines_before(file, end)


def _lines_before(file: BinaryIO, end: int) -> Iterator[bytes]:
    rest = b""
    complete = False  # what stands after the last newline is a torn line, or nothing
    while end > 0:
        start = max(end - _BLOCK, 0)
        file.seek(start)
        lines = (file.read(end - start) + rest).split(b"\n")
        rest = lines[0]
        for line in reversed(lines[1:]):
            if complete:
                yield line + b"\n"
            complete = True
        end = start
    if complete and rest:
        yield rest + b"\n"


def _offset(file: BinaryIO, seq: int) -> int:
    """Return where the line of the first record with at least this `seq` begins; the lines of a segment are in order."""
    low, high = 0, os.fstat(file.fileno()).st_size
    while high - low > _BLOCK:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        begin, found = _next_record(file, high)
        if found is None or found >= seq:
            high = middle
        else:
            low = begin
    file.seek(low)
    while True:
        begin, found = _next_record(file, None)
        if found is None or found >= seq:
            return begin


def _next_record(file: BinaryIO, limit: int | None) -> tuple[int, int | None]:
    """Return the offset and `seq` of the next record line; (end, None) when there is none before `limit`."""
    while True:
        begin = file.tell()
        line = file.readline()
        if not line or (limit is not None and begin >= limit):
            return begin, None
        try:
            seq = _seq_decoder.decode(line).seq
        except msgspec.DecodeError:
            continue
        if seq:
            return begin, seq
