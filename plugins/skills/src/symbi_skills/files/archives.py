"""Archives and documents: their members with every bound kept, and no file ever written."""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from symbi_skills.files.kinds import tar_like
from symbi_skills.files.limits import Limits

__all__ = ["Budget", "Member", "members", "pdf_text"]

_CHUNK = 1 << 20


class Member(NamedTuple):
    """One member: its name, its content, or the problem that kept it from being read."""

    name: str
    content: bytes
    problem: str = ""
    reason: str = ""


class Budget:
    """What is left of the limits for one outermost archive."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self.bytes = min(limits.max_archive_bytes, max(packed, 1) * limits.max_archive_ratio + _CHUNK)
        self.members = limits.max_archive_members

    def take(self, amount: int) -> bool:
        """Take bytes out of the budget; False when it is used up."""
        self.bytes -= amount
        return self.bytes >= 0


class _Spent(Exception):
    pass


def members(content: bytes, kind: str, budget: Budget) -> Iterator[Member]:
    """Yield the members of a zip, tar or single-file archive; a broken one yields its problem."""
    try:
        if kind == "zip":
            yield from _zip(content, budget)
        elif kind == "tar":
            yield from _tar(content, budget)
        else:
            unpacked = _single(content, kind, budget)
            if tar_like(unpacked[:512]):
                yield from _tar(unpacked, budget)
            else:
                yield Member("content", unpacked)
    except _Spent:
        yield Member("", b"", "archive-unsafe", "it unpacks to more than a scan may hold")
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        KeyError,
    ) as error:
        yield Member("", b"", "archive-unsafe", f"it is broken: {str(error)[:120]}")


def _unsafe(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":")


def _zip(content: bytes, budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > budget.members:
            yield Member("", b"", "archive-unsafe", f"it has {len(entries)} members")
            return
        budget.members -= len(entries)
        first = min((entry.header_offset for entry in entries), default=0)
        if first > 0 and content[:2] != b"PK":
            yield Member("(before the archive)", content[:first])
        seen: set[str] = set()
        for entry in sorted(entries, key=lambda item: item.filename):
            if _unsafe(entry.filename):
                yield Member(entry.filename, b"", "archive-unsafe", "a member's name leaves the archive")
            if entry.filename in seen:
                yield Member(entry.filename, b"", "archive-unsafe", "two members have one name")
            seen.add(entry.filename)
            if entry.is_dir():
                continue
            if entry.flag_bits & 0x1:
                yield Member(entry.filename, b"", "archive-unsafe", "a member is encrypted")
                continue
            if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                yield Member(entry.filename, b"", "archive-unsafe", "a member is a symbolic link")
                continue
            yield _zip_member(archive, entry, budget)


def _zip_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Member:
    try:
        with archive.open(entry) as stream:
            return Member(entry.filename, _read(stream, budget))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, NotImplementedError) as error:
        return Member(entry.filename, b"", "archive-unsafe", f"a member is broken: {str(error)[:120]}")


def _tar(content: bytes, budget: Budget) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for entry in archive:
            budget.members -= 1
            if budget.members < 0:
                yield Member("", b"", "archive-unsafe", "it has too many members")
                return
            if _unsafe(entry.name):
                yield Member(entry.name, b"", "archive-unsafe", "a member's name leaves the archive")
            if entry.isdir():
                continue
            if not entry.isreg():
                yield Member(entry.name, b"", "archive-unsafe", "a member is a link or a device")
                continue
            stream = archive.extractfile(entry)
            if stream is not None:
                yield Member(entry.name, _read(stream, budget))


def _read(stream: object, budget: Budget) -> bytes:
    parts = []
    while part := stream.read(_CHUNK):  # type: ignore[attr-defined]
        if not budget.take(len(part)):
            raise _Spent
        parts.append(part)
    return b"".join(parts)


def _single(content: bytes, kind: str, budget: Budget) -> bytes:
    if kind == "gzip":
        return _inflate(content, budget)
    engine = bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor(memlimit=256 << 20)
    parts, data = [], content
    while not engine.eof:
        part = engine.decompress(data, _CHUNK)
        data = b""
        if not part and engine.needs_input:
            raise EOFError("it ends too early")
        if not budget.take(len(part)):
            raise _Spent
        parts.append(part)
    return b"".join(parts)


def _inflate(content: bytes, budget: Budget) -> bytes:
    parts, rest = [], content
    while rest[:2] == b"\x1f\x8b":
        engine = zlib.decompressobj(31)
        data = rest
        while not engine.eof:
            part = engine.decompress(data, _CHUNK)
            data = engine.unconsumed_tail
            if not budget.take(len(part)):
                raise _Spent
            parts.append(part)
            if not part and not data and not engine.eof:
                raise EOFError("it ends too early")
        rest = engine.unused_data
    return b"".join(parts)


def pdf_text(content: bytes, budget: Budget) -> tuple[bytes, bool]:
    """Return the readable streams of a PDF, and whether it could be read (an encrypted one cannot)."""
    if b"/Encrypt" in content:
        return b"", False
    parts: list[bytes] = []
    position = 0
    while (start := content.find(b"stream", position)) >= 0:
        begin = start + 6 + (2 if content[start + 6 : start + 8] == b"\r\n" else 1)
        end = content.find(b"endstream", begin)
        if end < 0:
            break
        engine = zlib.decompressobj()
        try:
            part = engine.decompress(content[begin:end], 16 << 20)
        except zlib.error:
            part = b""
        if not budget.take(len(part)):
            return b"\n".join(parts), False
        if part and b"\0" not in part[:2000]:
            parts.append(part)
        position = end + 9
    return b"\n".join(parts), True
