"""Reads an archive that nobody vouches for yet: names, kinds, counts and sizes are checked before a byte is taken out (TR-32)."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib

__all__ = ["BadPackage", "read_archive"]

_MOST_BYTES = 16 << 20
_MOST_FILES = 16
_MOST_FILE = 8 << 20
_MOST_RATIO = 100
_NAME = re.compile(r"(?:tool|META)/[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


class BadPackage(Exception):
    """The archive is not one that this project writes; the text says why."""


def read_archive(content: bytes) -> dict[str, bytes]:
    """All files by name. Raises `BadPackage`."""
    if len(content) > _MOST_BYTES:
        raise BadPackage("the package is larger than 16 MiB")
    if not content.startswith(b"PK\x03\x04") or content[-22:-18] != b"PK\x05\x06":
        raise BadPackage("not a plain zip file: something stands before or after it")
    if struct.unpack("<H", content[-2:])[0] != 0:
        raise BadPackage("the archive carries a comment")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            entries = bundle.infolist()
            _check(entries, len(content))
            return {entry.filename: _take(bundle, entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        struct.error,
        EOFError,
        UnicodeDecodeError,
        ValueError,
        OverflowError,
    ) as error:
        raise BadPackage(f"the archive is damaged: {error}") from None


def _check(entries: list[zipfile.ZipInfo], size: int) -> None:
    if not entries or len(entries) > _MOST_FILES:
        raise BadPackage(f"the archive holds {len(entries)} files, at most {_MOST_FILES} are allowed")
    names = [entry.filename for entry in entries]
    if len({name.casefold() for name in names}) != len(names):
        raise BadPackage("two entries have the same name")
    for entry in entries:
        raw = entry.orig_filename
        if "\\" in raw or raw.startswith("/") or ".." in raw.split("/") or "\0" in raw:
            raise BadPackage(f"an unsafe name: {raw[:100]!r}")
        if not _NAME.fullmatch(raw):
            raise BadPackage(f"an unexpected name: {raw[:100]!r}")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise BadPackage(f"{raw} is not a regular file")
        if entry.flag_bits & 0x1:
            raise BadPackage(f"{raw} is encrypted")
        if entry.file_size > _MOST_FILE or entry.file_size > _MOST_RATIO * max(entry.compress_size, 64):
            raise BadPackage(f"{raw} is too large when unpacked")
    if sum(entry.file_size for entry in entries) > _MOST_BYTES or sum(entry.compress_size for entry in entries) > size:
        raise BadPackage("the files are too large together")


def _take(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with bundle.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise BadPackage(f"{entry.filename} is not as large as it says")
    return data
