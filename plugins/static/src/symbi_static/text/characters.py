"""Hidden characters: looked for in the raw text, before anything is normalised (toolreview.md §2.1 hidden_unicode)."""

from __future__ import annotations

import re
import unicodedata

from symbi_static.rules.collector import Collector

__all__ = ["check_characters", "decode_tags", "skeleton", "visible"]

_TAGS = re.compile("[\U000e0001-\U000e007f]+")
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{2,8}\U000e007f")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ZERO = re.compile(
    "[\u200b\u200c\u200d\u2060-\u2064\ufeff\u180e\u034f\u115f\u1160\u3164\uffa0\u00ad\u17b4\u17b5\u206a-\u206f]"
)
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}|[A-Za-z ][\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_PRIVATE = re.compile("(?:[\ue000-\uf8ff\U000f0000-\U0010fffd]\\s?){3,}")
_WORD = re.compile(r"[^\W\d_][\w]*")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_JOINING = re.compile(
    "[\u0600-\u06ff\u0700-\u074f\u0750-\u077f\u08a0-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ufb50-\ufdff\ufe70-\ufeff]"
)
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff\ufe0f\U0001f3fb-\U0001f3ff\u2640\u2642\u2695\u2764]"
)
_LOOKS = dict(
    zip(
        "аеорсухіјѕԁԛԝҮһӏвкмнтАВЕКМНОРСТУХІЈЅҺΑΒΕΖΗΙΚΜΝΟΡΤΥΧοɡıⅼ",
        "aeopcyxijsdqwYhlbkmhtABEKMHOPCTYXIJSHABEZHIKMNOPTYXogil",
        strict=True,
    )
)
_DIGITS = {"0": "o", "1": "l", "3": "e", "5": "s", "|": "l", "$": "s"}


def decode_tags(text: str) -> str:
    """The text that tag characters carry."""
    return "".join(chr(ord(char) - 0xE0000) for char in text if 0xE0020 <= ord(char) <= 0xE007E)


def visible(text: str) -> str:
    """The text as a model would understand it: compatibility forms folded, invisible characters dropped, look-alikes made Latin."""
    text = _TAGS.sub("", text)
    folded = unicodedata.normalize("NFKC", text)
    folded = "".join(char for char in folded if not _ZERO.match(char) and not _BIDI.match(char))
    return (
        "".join(_LOOKS.get(char, char) for char in folded)
        if re.search("[A-Za-z]", folded) and not re.search("[А-я]{4,}", folded)
        else folded
    )


def skeleton(name: str) -> str:
    """A name with look-alike letters and digits made equal."""
    folded = unicodedata.normalize("NFKC", name)
    text = "".join(_LOOKS.get(char, char) for char in folded).lower()
    text = "".join(_DIGITS.get(char, char) for char in text)
    return re.sub(r"[-_. ]", "", text.replace("rn", "m").replace("vv", "w"))


def check_characters(text: str, where: str, out: Collector) -> list[str]:
    """Report hidden characters in one text; gives back what tag characters said, so that the text rules can read it."""
    said: list[str] = []
    if text.isascii():
        return said
    text = text.removeprefix("\ufeff")
    bare = _FLAG.sub("", text)

    def at(position: int) -> int | None:
        return bare.count("\n", 0, position) + 1 if where == "source" else None

    for match in _TAGS.finditer(bare):
        decoded = decode_tags(match.group())
        if decoded.strip():
            said.append(decoded)
        out.add(
            "tag-characters",
            f"{len(match.group())} tag characters say: {decoded[:120]!r}",
            line=at(match.start()),
            where=where,
            seed="tags",
        )
    _bidi(bare, where, at, out)
    for match in _ZERO.finditer(bare):
        if not _fine(bare, match.start()):
            name = unicodedata.name(match.group(), f"U+{ord(match.group()):04X}")
            out.add(
                "invisible-characters",
                f"{name} stands where no script needs it.",
                line=at(match.start()),
                where=where,
                seed="zero",
            )
    for pattern, text_of in (
        (_SELECTORS, "Variation selectors where no character needs them."),
        (_PRIVATE, "A run of private characters."),
    ):
        found = pattern.search(bare)
        if found:
            out.add("hidden-bytes", text_of, line=at(found.start()), where=where, seed="bytes")
    for match in _WORD.finditer(bare):
        word = match.group()
        if not word.isascii() and _mixed(word):
            out.add(
                "mixed-script-name",
                f"`{word[:40]}` mixes letters of scripts that look alike.",
                line=at(match.start()),
                where=where,
                seed="mixed",
            )
    return said


def _bidi(text: str, where: str, at: object, out: Collector) -> None:
    match = _BIDI.search(text)
    if match is None:
        return
    isolates = len(re.findall("[\u2066-\u2068]", text)) == text.count("\u2069") and not re.search(
        "[\u202a-\u202e]", text
    )
    if where != "source" and isolates and _RTL.search(text):
        return
    line = text.count("\n", 0, match.start()) + 1 if where == "source" else None
    out.add(
        "bidi-control", "A control changes the direction in which text is shown.", line=line, where=where, seed="bidi"
    )


def _fine(text: str, position: int) -> bool:
    char = text[position]
    before = text[position - 1] if position else ""
    after = text[position + 1] if position + 1 < len(text) else ""
    if char == "\u00ad":
        return before.isalpha() and after.isalpha() and not before.isascii()
    if char in "\u200c\u200d":
        if _JOINING.match(before or " ") and (_JOINING.match(after or " ") or not after.strip()):
            return True
        return char == "\u200d" and bool(_EMOJI.match(before or " ")) and bool(_EMOJI.match(after or " "))
    return char == "\u200b" and bool(re.match("[\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]", before or " "))


def _mixed(word: str) -> bool:
    latin = any("a" <= char.lower() <= "z" for char in word)
    return latin and any(char in _LOOKS and "\u0370" <= char <= "\u058f" for char in word)
