"""What people write, without what they cannot see: invisible characters carry instructions to models."""

from __future__ import annotations

import unicodedata

__all__ = ["clean_text"]

_JOINERS = "‌‍"
_KEPT_CONTROLS = "\n\t"
_SELECTORS = range(0xFE00, 0xFE10)
_MOST = 100_000


def clean_text(text: str) -> str:
    """Return the text without control, format, private and unassigned characters, cut at 100,000 characters.

    Joiners stay between visible characters (emoji sequences, Persian), the emoji variation selectors after one; tag characters,
    bidirectional controls, zero-width spaces and lone surrogates go. Line ends become `\\n`. Source: `channels.md` §4.13.
    """
    text = text[:_MOST].replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text.strip()
    kept: list[str] = []
    for index, character in enumerate(text):
        if character in _KEPT_CONTROLS:
            kept.append(character)
        elif character in _JOINERS:
            after = text[index + 1 : index + 2]
            if kept and after and _visible(kept[-1]) and _visible(after):
                kept.append(character)
        elif ord(character) in _SELECTORS:
            if kept and ord(kept[-1]) not in _SELECTORS and _visible(kept[-1]):
                kept.append(character)
        elif _visible(character) or character == " ":
            kept.append(character)
        elif unicodedata.category(character) in ("Zs", "Zl", "Zp"):
            kept.append(" ")
    return "".join(kept).strip()


def _visible(character: str) -> bool:
    if 0xE0000 <= ord(character) <= 0xE0FFF or 0xFE00 <= ord(character) <= 0xFE0F:
        return 0xFE00 <= ord(character) <= 0xFE0F
    return unicodedata.category(character)[0] not in "CZ" and character not in "ᅟᅠㅤﾠ⠀"
