"""Advice for what people write who know another language."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["REJECTED_ITEMS", "character_hint", "close_match", "distance", "glued_hint", "quoted", "word_hint"]

_CHARACTERS = {
    "'": 'strings are written in double quotes: "…"',
    "`": 'strings are written in double quotes: "…"',
    "|": "`||` is the or-operator; a lambda is written `x => …`",
    "&": "did you mean `&&`?",
    "?": "there is no `?:`; write `if a { b } else { c }`, and `Optional<T>` for a type",
    "^": "there are no bitwise operators",
    "~": "there are no bitwise operators",
    "::": "use `.` to reach into something",
    "$": "names have no `$`",
    "@": "there are no decorators",
    "\\": "a backslash is only of use inside a string",
}
_LOOKALIKES = dict(
    zip("аеорсхуіјѕԁһԛԝАВЕКМНОРСТХοΑΒΕΖΗΙΚΜΝΟΡΤΧ", "aeopcxyijsdhqwABEKMHOPCTXoABEZHIKMNOPTX", strict=True)
)
_WORDS = {
    "and": "use `&&`",
    "or": "use `||`",
    "when": "a guard is written with `if`",
    "unless": "write `if !(…)`",
    "is": "use `==`",
    "elif": "write `else if`",
    "elseif": "write `else if`",
    "then": "write `if a { b } else { c }`",
    "as": "there are no casts",
    "without": "write a rule of its own for the exception",
    "on": "name the action only: `allow: action`",
    "for": "name the action only: `allow: action`",
}
REJECTED_ITEMS = {
    "import": "there are no imports; functions of the same file are visible everywhere in it",
    "macro": "there are no macros; write a function",
    "enum": "there are no enums; use strings and `match`",
    "use": "there are no imports; tools are called by their names",
    "async": "calls wait by themselves; leave out `async`",
    "class": "write `struct name { field: type }`",
    "def": "write `function name(…) { … }`",
    "func": "write `function name(…) { … }`",
    "workflow": "write an `agent` that calls the others with `delegate`",
}


def quoted(text: str) -> str:
    """Return a token for a message: short and in quotes."""
    return f"'{text if len(text) <= 30 else text[:29] + '…'}'"


def character_hint(word: str) -> str | None:
    """Return advice for a character that starts no token."""
    if word in _CHARACTERS:
        return _CHARACTERS[word]
    first = word[0]
    if first in "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb":
        return 'use the plain double quote `"`'
    if first in "\u2013\u2014\u2212":
        return "use the plain minus `-`"
    if first in _LOOKALIKES:
        return f"this is not the Latin letter `{_LOOKALIKES[first]}`, though it looks like it; names are ASCII"
    if first.isspace():
        return "only ASCII white space is allowed outside strings"
    if first > "\x7f":
        name = unicodedata.name(first, "unnamed character").lower()
        return f"{name}: names are ASCII; other characters belong in strings and comments"
    return None


def glued_hint(digits: str, unit: str) -> str:
    """Return advice for letters glued to a number."""
    if digits == "0" and unit[:1] in ("x", "X", "b", "o"):
        return "numbers are written in decimal"
    if unit[:1] in ("e", "E") and (unit[1:].isdigit() or unit == "e"):
        return "write the number out; there are no exponents"
    plain = unit.strip("_").lower()
    if plain.upper() in ("B", "KB", "MB", "GB", "TB"):
        return f"did you mean `{digits}{plain.upper()}`?"
    units = {"day": "d", "hour": "h", "minute": "m", "min": "m", "sec": "s", "second": "s", "week": "w", "year": "y"}
    short = units.get(plain) or units.get(plain.removesuffix("s"))
    if short:
        return f"did you mean `{digits.strip('_')}{short}`?"
    return "put a space or an operator between a number and a name"


def word_hint(word: str) -> str | None:
    """Return advice for a word that stands where an operator was expected."""
    return _WORDS.get(word)


def distance(left: str, right: str, *, most: int = 3) -> int:
    """Return the edit distance of two short words (a swap of neighbours counts once), or `most` + 1 if it is larger."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return min(row[-1], most + 1)


def close_match(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that `word` was probably meant to be, or None."""
    if len(word) > 40:
        return None
    low = word.lower()
    best, found = 3 if len(word) > 4 else 2, None
    for choice in choices:
        apart = distance(low, choice.lower())
        if apart < best:
            best, found = apart, choice
    return found
