"""Texts hidden in base64 or hexadecimal runs, compressed or not."""

from __future__ import annotations

import binascii
import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from symbi_skills.text.encodings import decode

__all__ = ["Payload", "inflate", "payloads"]

_SHORTEST = 24
_LONG = 64
_RUN = b"a" * _SHORTEST
_ALPHABET = bytes(97 if (code < 128 and chr(code).isalnum()) or code in b"+/" else 32 for code in range(256))
_LEADS = b"ACDEIJKLMNOPQRSTUVWXYZabcdef"
_HEX = b"0123456789abcdefABCDEF"
_HEX_LEADS = b"0234567"
_PACKED = (b"H4sI", b"eJ", b"eN", b"eA", b"eF", b"QlpoO", b"/Td6", b"UEsD")
_BETWEEN = b" \t\r\n\"'\\+,;`|>#*"
_MAX_OUTPUT = 8 << 20


class Payload(NamedTuple):
    """A decoded text, the offset where it began, and how it was wrapped; `archive` when it is a zip file."""

    data: bytes
    offset: int
    made: str
    archive: bool = False


def payloads(data: bytes) -> Iterator[Payload]:
    """Yield every run that decodes to text.

    ASCII text in base64 has few possible letters at every fourth place, and in hexadecimal few first digits; that tells it from
    hashes, keys and names before anything is decoded.
    """
    marked = data.translate(_ALPHABET)
    position = marked.find(_RUN)
    while position >= 0:
        end = marked.find(b" ", position)
        end = len(data) if end < 0 else end
        whole, stop = _wrapped(data, marked, position, end)
        yield from _read(whole, position)
        position = marked.find(_RUN, stop)


def _wrapped(data: bytes, marked: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Join the run with the runs below it, as base64 is wrapped."""
    run = data[start:end]
    if len(run) % 4 or end - start < 40:
        return run, end
    parts = [run]
    while len(parts[-1]) % 4 == 0 and len(parts) < 100_000:
        begin = end
        while begin < len(data) and begin - end < 24 and data[begin] in _BETWEEN:
            begin += 1
        if begin == end or begin >= len(data) or marked[begin] == 32 or b"\n" not in data[end:begin]:
            break
        finish = marked.find(b" ", begin)
        finish = len(data) if finish < 0 else finish
        if finish - begin > len(run):
            break
        parts.append(data[begin:finish])
        end = finish
    return b"".join(parts), end


def _read(run: bytes, offset: int) -> Iterator[Payload]:
    if not run.translate(None, _HEX):
        if len(run) % 2 == 0 and len(run[::2].translate(None, _HEX_LEADS)) * 20 <= len(run[::2]):
            yield from _text(binascii.unhexlify(run), offset, "hexadecimal")
        return
    if run.startswith(_PACKED) or not run[::4].translate(None, _LEADS) or (len(run) >= _LONG and not run.isalpha()):
        usable = run[: len(run) - (len(run) % 4 == 1)]
        decoded = binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))
        yield from _text(decoded, offset, "base64")


def _text(decoded: bytes, offset: int, made: str) -> Iterator[Payload]:
    if decoded.startswith(b"PK\x03\x04"):
        yield Payload(decoded, offset, f"{made} of a zip archive", archive=True)
        return
    unpacked = inflate(decoded)
    if unpacked is not None:
        decoded, made = unpacked, f"{made} of compressed data"
    result = decode(decoded)
    if not result.binary and result.data.strip() and (result.encoding != "unknown-8bit" or unpacked is not None):
        yield Payload(result.data, offset, made)


def inflate(data: bytes) -> bytes | None:
    """Return what gzip, zlib, bzip2 or xz data holds, at most 8 MiB of it, or None for other data."""
    try:
        if data[:2] == b"\x1f\x8b":
            return zlib.decompressobj(31).decompress(data, _MAX_OUTPUT)
        if data[:1] == b"\x78" and len(data) > 8 and (data[0] * 256 + data[1]) % 31 == 0:
            return zlib.decompressobj().decompress(data, _MAX_OUTPUT)
        if data[:3] == b"BZh":
            return bz2.BZ2Decompressor().decompress(data, _MAX_OUTPUT)
        if data[:6] == b"\xfd7zXZ\x00":
            return lzma.LZMADecompressor(memlimit=128 << 20).decompress(data, _MAX_OUTPUT)
    except (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError):
        return None
    return None
