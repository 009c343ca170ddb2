"""From bytes to UTF-8: byte order marks, UTF-16 and UTF-32, NUL, broken bytes; or the verdict that this is no text."""

from __future__ import annotations

import codecs
import re

import msgspec

__all__ = ["Decoded", "declared_encoding", "decode"]

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = bytes(code for code in range(32) if code not in (8, 9, 10, 12, 13, 14, 15, 27)) + b"\x7f"
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_PLAIN = {
    "utf-8",
    "utf8",
    "ascii",
    "us-ascii",
    "latin-1",
    "latin1",
    "iso-8859-1",
    "iso-latin-1-unix",
    "cp1252",
    "utf-8-sig",
    "iso-8859-15",
}


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """Valid UTF-8, and what was unusual on the way; `binary` means that it is no text."""

    data: bytes
    encoding: str
    unusual: str = ""
    binary: bool = False


def decode(raw: bytes) -> Decoded:
    """Return `raw` as valid UTF-8 of the same meaning; bytes that mean nothing become U+FFFD."""
    if raw.isascii() and b"\0" not in raw:
        sample = raw[:4096]
        controls = len(sample) - len(sample.translate(None, _CONTROL))
        return Decoded(data=raw, encoding="ascii", binary=controls * 10 > len(sample))
    if raw.startswith(codecs.BOM_UTF8):
        return decode(raw[3:])
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _wide(raw[len(mark) :], name)
    if b"\0" in raw:
        return _with_nul(raw)
    try:
        raw.decode()
    except UnicodeDecodeError:
        return _broken(raw)
    return Decoded(data=raw, encoding="utf-8", binary=_noisy(raw))


def _wide(raw: bytes, name: str) -> Decoded:
    text = raw.decode(name, "replace").replace("\0", "")
    return Decoded(data=text.encode("utf-8", "replace"), encoding=name, unusual=f"encoded as {name.upper()}")


def _with_nul(raw: bytes) -> Decoded:
    sample = raw[:4096]
    for name, width, zeros in (
        ("utf-32-le", 4, (1, 2, 3)),
        ("utf-32-be", 4, (0, 1, 2)),
        ("utf-16-le", 2, (1,)),
        ("utf-16-be", 2, (0,)),
    ):
        lanes = [sample[offset::width] for offset in range(width)]
        others = [lane for offset, lane in enumerate(lanes) if offset not in zeros]
        empty = all(lanes[offset].count(0) * 10 >= 7 * len(lanes[offset]) for offset in zeros)
        if len(sample) >= 2 * width and empty and all(lane.count(0) * 10 <= len(lane) for lane in others):
            return _wide(raw, name)
    stripped = raw.replace(b"\0", b"")
    inner = decode(stripped) if stripped else Decoded(data=b"", encoding="ascii", binary=True)
    sparse = raw.count(0) * 20 <= len(raw) or raw.count(0) <= 8
    if inner.binary or not sparse or inner.encoding == "unknown-8bit":
        return Decoded(data=inner.data, encoding="binary", binary=True)
    return Decoded(data=inner.data, encoding=inner.encoding, unusual="NUL characters in a text")


def _broken(raw: bytes) -> Decoded:
    """A text with single wrong bytes, or in an 8-bit code page; either way every byte is looked at."""
    text = raw.decode("utf-8", "replace")
    data = text.encode()
    return Decoded(
        data=data,
        encoding="unknown-8bit",
        unusual="bytes that are no UTF-8",
        binary=_noisy(raw),
    )


def _noisy(raw: bytes) -> bool:
    sample = raw[:65536]
    return (len(sample) - len(sample.translate(None, _CONTROL))) * 20 > len(sample)


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that a Python source declares in its first two lines, if it is an unusual one."""
    if b"coding" not in data[:400]:
        return None
    head = data[:400].split(b"\n", 2)
    match = _COOKIE.search(b"\n".join(head[:2]))
    if not match:
        return None
    name = match.group(1).decode("ascii", "replace").lower().replace("_", "-")
    return None if name in _PLAIN else name
