"""The lexer: one pass of one regular expression into flat lists (spec `dsl.md` §3)."""

from __future__ import annotations

import re

from symbi_dsl.limits import Limits
from symbi_dsl.syntax.hints import character_hint, glued_hint
from symbi_dsl.syntax.problems import Problems
from symbi_dsl.syntax.units import DURATION_UNITS, SIZE_UNITS

__all__ = ["Tokens", "tokenize"]

_MASTER = re.compile(
    r"""[ \t\r\x0b\x0c]*+(?:
      (\n[ \t\r\n\x0b\x0c]*+)                                   # 1 newline
    | (vault://[A-Za-z0-9_\-/.]+)                               # 2 vault reference
    | ([A-Za-z_][A-Za-z0-9_]*+)                                 # 3 word
    | ("{3}(?s:.*?)"{3}|"(?!"")[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+") # 4 string
    | ([0-9]++(?:_[0-9]++)*+(?:\.[0-9]++)?+(?:\.(?:milliseconds|seconds|minutes|hours|days|weeks)(?![A-Za-z0-9_])
        |[A-Za-z_][A-Za-z0-9_]*+)?+)                            # 5 number, duration, size
    | (//[^\n]*+|\#[^\n]*+|/\*(?s:.*?)\*/)                      # 6 comment
    | (/\*|")                                                   # 7 never closed
    | (\|\||&&|==|!=|<=|>=|=>|->|[+\-*/%]=|:(?!:)|[{}()\[\],;=.<>+\-*/%!]) # 8 operator
    | (\Z)                                                      # 9 end
    | (::|[^\x00-\x7f]+|.|\n)                                   # 10 anything else
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"([0-9_]+(?:\.[0-9]+)?)(\.?[A-Za-z_][A-Za-z0-9_]*)?")
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_PREPROCESSOR = re.compile(r"#(?:if|else|endif)\b")


class Tokens:
    """Flat lists, one entry a token: `kind` is the operator itself or `id str num dur size vault end`."""

    __slots__ = ("broken", "comments", "end", "kind", "newline", "start", "text")

    def __init__(self) -> None:
        self.kind: list[str] = []
        self.text: list[str] = []
        self.start: list[int] = []
        self.end: list[int] = []
        self.newline: list[bool] = []
        self.comments: list[tuple[int, int]] = []
        self.broken = False


def tokenize(text: str, *, problems: Problems, limits: Limits) -> Tokens:
    """Return the tokens of `text`, ending with one of kind `end`; what is no token is reported and left out."""
    tokens = Tokens()
    _check_characters(text, problems)
    kinds, texts, starts, ends, newlines = tokens.kind, tokens.text, tokens.start, tokens.end, tokens.newline
    fresh = True
    for match in _MASTER.finditer(text):
        group = match.lastindex
        if group == 1:
            fresh = True
            continue
        word = match[group]  # type: ignore[index]  # one alternative always matches
        if group == 3:
            kind = "id"
        elif group == 8:
            kind = word
        elif group == 4:
            kind = "str"
            if len(word) > limits.string:
                _too_long(match, limits, problems)
        elif group == 5:
            kind, word = _number(word, match.end(), limits, problems)
        elif group == 6:
            fresh = _comment(match.start(6), word, tokens, problems) or fresh
            continue
        elif group == 2:
            kind = "vault"
        elif group == 9:
            break
        elif group == 7:
            _unclosed(match.start(7), word, text, tokens, problems)
            break
        else:
            _bad_character(match.start(10), word, problems)
            if problems.full:
                tokens.broken = True
                break
            continue
        kinds.append(kind)
        texts.append(word)
        ends.append(match.end())
        starts.append(match.start(group))
        newlines.append(fresh)
        fresh = False
    kinds.append("end")
    texts.append("")
    starts.append(len(text))
    ends.append(len(text))
    newlines.append(True)
    return tokens


def _number(word: str, end: int, limits: Limits, problems: Problems) -> tuple[str, str]:
    start = end - len(word)
    if len(word) > limits.number:
        problems.add("E105", f"number of {len(word)} characters; at most {limits.number} are allowed", start, end)
        return "num", "0"
    parts = _NUMBER.fullmatch(word)
    unit = parts[2] if parts else None
    if unit is None and parts is not None:
        return "num", word
    if unit in DURATION_UNITS:
        return "dur", word
    if unit in SIZE_UNITS:
        return "size", word
    digits = parts[1] if parts else word
    problems.add("E103", f"'{word}' is no number", start, end, hint=glued_hint(digits, unit or ""))
    return "num", "0"


def _comment(start: int, word: str, tokens: Tokens, problems: Problems) -> bool:
    tokens.comments.append((start, start + len(word)))
    if word[0] == "#" and _PREPROCESSOR.match(word):
        problems.add(
            "W311", "this is a comment, not a condition", start, start + len(word), hint="there is no preprocessor"
        )
    return word[1] == "*" and "\n" in word if len(word) > 1 else False


def _too_long(match: re.Match[str], limits: Limits, problems: Problems) -> None:
    problems.add("E006", f"string of more than {limits.string} characters", match.start(4), match.end())


def _unclosed(start: int, word: str, text: str, tokens: Tokens, problems: Problems) -> None:
    tokens.broken = True
    if word == '"':
        triple = text.startswith('"""', start)
        hint = 'close it with `"""`' if triple else 'close it with `"`'
        problems.add("E101", "string is never closed", start, start + (3 if triple else 1), hint=hint)
    else:
        problems.add("E102", "comment is never closed", start, start + 2, hint="close it with `*/`")


def _bad_character(start: int, word: str, problems: Problems) -> None:
    if _FORBIDDEN.match(word) or _INVISIBLE.fullmatch(word):
        return
    shown = word if len(word) <= 12 else word[:12] + "…"
    shown = _INVISIBLE.sub("", shown)
    problems.add("E100", f"unexpected character '{shown}'", start, start + len(word), hint=character_hint(word))


def _check_characters(text: str, problems: Problems) -> None:
    for match in _FORBIDDEN.finditer(text):
        problems.add("E100", f"control character U+{ord(match[0]):04X}", match.start(), match.end(), hint="remove it")
        if problems.full:
            return
    if text.isascii():
        return
    for match in _INVISIBLE.finditer(text):
        problems.add(
            "E104",
            f"invisible or direction-changing character U+{ord(match[0]):04X}",
            match.start(),
            match.end(),
            hint="remove it: readers would not see what is really written",
        )
        if problems.full:
            return
