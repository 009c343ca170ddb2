"""Characters that hide or imitate: what to strip, what to fold, and what to report.

Confusable letters after Unicode TR39, limited to those that imitate ASCII; bidirectional controls after TR9 (Trojan Source).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Foreign", "Hidden", "confusable_words", "fold", "folding_lines", "foreign", "hidden_characters"]

Hidden = tuple[int, str]

_SCRIPTS = {
    "аaеeоoрpсcуyхxѕsіiјjһhԁdԛqԝwвbкkмmнhтtАAВBЕEЅSІIЈJКKМMНHОOРPСCТTУYХXҮYԌGԚQԜWӏlьbѡw": "Cyrillic",
    "ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXοoνvιiκkρpυuϲcјjϳjχx": "Greek",
    "օoսuԱUՍSզqհhոnցgՕOԼLյjղnռnոnքpօo": "Armenian",
    "ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎥiᎫJᏦKᏞLᎷMᏢPᏒRᏚSᎢTᏙVᎳWᏃZ": "Cherokee",
    "ɑaɡgıiȷjɩiʋvꞮIǃ!ᴄcᴏoᴠvᴡwᴢzꜱsʀrɴnʜh": "Latin variant",
}
_FOLD: dict[int, int | str | None] = {}
_IMITATION: dict[str, str] = {}
for _pairs, _script in _SCRIPTS.items():
    for _index in range(0, len(_pairs), 2):
        _FOLD[ord(_pairs[_index])] = _pairs[_index + 1]
        if _script != "Latin variant":
            _IMITATION[_pairs[_index]] = _pairs[_index + 1]
_BLANKS = [
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
    0x0B,
    0x1C,
    0x1D,
    0x1E,
    0x1F,
]
_INVISIBLE = [
    *range(0x00, 0x09),
    *range(0x0E, 0x1B),
    0x7F,
    *range(0x80, 0x85),
    *range(0x86, 0xA0),
    0xAD,
    0x034F,
    0x061C,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0x2800,
    0x3164,
    *range(0xFE00, 0xFE10),
    0xFEFF,
    0xFFA0,
    *range(0xFFF9, 0xFFFC),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE0080),
    *range(0xE0100, 0xE01F0),
]
_PUNCTUATION = {
    "‐": "-",
    "‑": "-",
    "‒": "-",
    "–": "-",
    "—": "-",
    "−": "-",
    "∕": "/",
    "⁄": "/",
    "⧸": "/",
    "∣": "|",
    "ǀ": "|",
    "│": "|",
    "❘": "|",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "․": ".",
    "‥": "..",
    "∶": ":",
    "﹩": "$",
    "⟨": "<",
    "‹": "<",
    "›": ">",
    "˃": ">",
    "˂": "<",
    "∼": "~",
    "˜": "~",
    "⁎": "*",
    "∗": "*",
}
_FOLD.update({ord(key): value for key, value in _PUNCTUATION.items()})
_FOLD.update(dict.fromkeys(_BLANKS, " "))
_FOLD.update(dict.fromkeys(_INVISIBLE))
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]")

_SUSPECT = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f\U000e0100-\U000e01ef]+"
)
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LETTERS = re.compile("[" + "".join(_IMITATION) + "]")
_LOOKALIKE = "[" + "".join(_IMITATION) + "]"
_MIXED = re.compile(f"{_LOOKALIKE}(?:(?=[A-Za-z])|(?<=[A-Za-z].))", re.DOTALL)


_FOLDING = re.compile(
    "[\x0b\x1c-\x1f\x85\xa0\u0131\u017f\u0251\u0261\u0237\u0269\u02b0-\u02b8\u02e0-\u02e4\u0300-\u036f\u1680\u1d00-\u1d6a\u1d78\u2000-\u200a"
    "\u2024\u2028\u2029\u202f\u2044\u204e\u205f\u2070-\u209c\u20d0-\u20ff\u2100-\u214e\u2160-\u2188"
    "\u2215\u2223\u2460-\u24ff\u2758\u29f8\u2c7c\u2c7d\u3000\ua731\ua7ae\ua7f2-\ua7f4\ufb00-\ufb06\ufe30-\ufe6b\uff01-\uff5e\uffe8"
    "\U0001d400-\U0001d7ff\U0001f100-\U0001f169\U0001fbf0-\U0001fbf9]"
)
_ASCII = bytes(range(128))
_READS = re.compile(f"{_FOLDING.pattern}|{_SUSPECT.pattern}")


class Foreign(NamedTuple):
    """Whether a text has characters that hide, that read as ASCII once folded, or that imitate it."""

    hidden: bool
    folding: bool
    imitating: bool


@lru_cache(maxsize=1)
def foreign(data: bytes) -> Foreign:
    """Judge the characters of UTF-8 beyond ASCII; fast, because nothing else is looked at."""
    others = data.translate(None, _ASCII).decode("utf-8", "replace")
    hidden = _SUSPECT.search(others) is not None
    return Foreign(hidden, hidden or _FOLDING.search(others) is not None, _LETTERS.search(others) is not None)


def folding_lines(text: str, kinds: Foreign) -> Iterator[int]:
    """Yield offsets of characters that read otherwise than they are, in order, one a line at least."""
    offsets: list[int] = []
    for wanted, pattern in ((kinds.folding, _READS), (kinds.imitating, _MIXED)):
        position = 0
        while wanted and (match := pattern.search(text, position)):
            offsets.append(match.start())
            position = text.find("\n", match.start()) + 1
            if not position:
                break
    yield from sorted(offsets)


_TAGS = frozenset(range(0xE0020, 0xE0080))
_SELECTORS = frozenset((*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0)))
_DIRECTIONS = frozenset((0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def fold(text: str) -> str:
    """Return `text` as a shell or a hasty reader takes it: compatibility forms, look-alikes and blanks plain, invisible characters gone."""
    folded = unicodedata.normalize("NFKC", text).translate(_FOLD)
    if folded.isascii():
        return folded
    return _MARKS.sub("", unicodedata.normalize("NFKD", folded)).translate(_FOLD)


def hidden_characters(text: str, *, most: int = 200) -> list[Hidden]:
    """Return offset and code points of runs of characters that hide something.

    Emoji sequences, joiners in scripts that need them, direction marks in right-to-left text and a leading byte order mark hide nothing.
    The search ends after `most` findings.
    """
    found: list[Hidden] = []
    for match in _SUSPECT.finditer(text):
        run = match.group()
        if not _innocent(text, match.start(), match.end(), run):
            codes = " ".join(f"U+{ord(character):04X}" for character in run[:8])
            found.append((match.start(), codes + (f" and {len(run) - 8} more" if len(run) > 8 else "")))
            if len(found) >= most:
                break
    return found


def _innocent(text: str, start: int, end: int, run: str) -> bool:
    before = text[start - 1] if start else "\n"
    after = text[end] if end < len(text) else "\n"
    if run == "\ufeff":
        return start == 0 or before == "\n" or (before in "\"'`" and after in "\"'`")
    codes = {ord(character) for character in run}
    if codes <= {0xAD}:
        return (
            not (before.isascii() and after.isascii() and before.isalnum() and after.isalnum())
            or len(before + after) < 2
        )
    if codes <= {0x200C, 0x200D, 0xFE0E, 0xFE0F}:
        return len(run) <= 2 and _joins(before, after, codes)
    if codes <= _TAGS:
        return before == "\U0001f3f4" and ord(run[-1]) == 0xE007F and len(run) <= 8
    if codes <= {0x180B, 0x180C, 0x180D, 0x180E, 0x180F}:
        return "\u1800" <= before <= "\u18af"
    if codes <= _SELECTORS:
        return len(run) == 1 and not before.isascii() and unicodedata.category(before)[0] in "LS"
    if codes <= _DIRECTIONS:
        return (
            bool(_RTL.search(text[max(0, start - 200) : end + 200]))
            and len(run) <= 2
            and 0x202E not in codes
            and 0x202D not in codes
        )
    if "-" in (before, after) and len(run) == 1:
        return True  # the end of a range in a character class
    if codes <= {0x2800, 0x3164, 0x115F, 0x1160, 0xFFA0, 0x034F}:
        return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())
    if codes <= {0x2060, 0x200B}:
        return len(run) <= 2 and not (before.isascii() and before.isalnum()) and not after.isascii()
    return False


def _joins(before: str, after: str, codes: set[int]) -> bool:
    """Tell whether a joiner or selector stands where a script or an emoji needs one."""
    if codes & {0xFE0E, 0xFE0F} and before in "0123456789#*":
        return True
    if before.isascii():
        return before in "\n \"'`([" and (
            after in "\n \"'`)]" or (not after.isascii() and unicodedata.category(after)[0] in "LM")
        )
    if "\U0001f000" <= before <= "\U0001faff":
        return True  # emoji newer than this Python's tables
    return unicodedata.category(before)[0] in "LSMP" and not (codes == {0x200B} and after.isascii())


def confusable_words(text: str) -> list[tuple[int, str, str]]:
    """Return offset, word and reading of words that mix Latin letters with look-alikes of another script.

    A word of one script is a word of its language, however it looks; so bilingual prose is clean.
    """
    found: list[tuple[int, str, str]] = []
    position = 0
    while match := _MIXED.search(text, position):
        start = end = match.start()
        while start and text[start - 1].isalpha():
            start -= 1
        while end < len(text) and text[end].isalpha():
            end += 1
        position = end + 1
        word = text[start:end]
        foreign = [letter for letter in word if not letter.isascii()]
        index_like = len(foreign) == 1 and word[0] == foreign[0] and "\u0370" <= word[0] <= "\u03ff"
        if not index_like and all(letter in _IMITATION for letter in foreign):
            found.append((start, word, "".join(_IMITATION.get(letter, letter) for letter in word)))
    return found
