"""The value of a string token: escapes are read, unknown ones kept and reported (spec `dsl.md` §3)."""

from __future__ import annotations

import re

from symbi_dsl.syntax.problems import Problems

__all__ = ["quote", "string_value"]

_ESCAPE = re.compile(r"\\(u\{([^}\"\n]{0,12})\}|(?s:.))")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"'}
_HEX = re.compile(r"[0-9A-Fa-f]{1,6}")


def string_value(token: str, start: int, problems: Problems) -> str:
    """Return what the string token at offset `start` means."""
    if token.startswith('"""') and len(token) >= 6:
        return token[3:-3]
    body = token[1:-1]
    if "\\" not in body:
        return body

    def replace(match: re.Match[str]) -> str:
        return _escape(match, start + 1, problems)

    return _ESCAPE.sub(replace, body)


def _escape(match: re.Match[str], base: int, problems: Problems) -> str:
    what = match[1]
    if what in _PLAIN:
        return _PLAIN[what]
    start, end = base + match.start(), base + match.end()
    if what == "0":
        problems.add("E108", "`\\0` is not allowed in a string", start, end)
        return ""
    if match[2] is not None or what == "u":
        code = int(match[2], 16) if match[2] is not None and _HEX.fullmatch(match[2]) else -1
        if code > 0x10FFFF or 0xD800 <= code < 0xE000 or code <= 0:
            problems.add("E108", "bad `\\u` escape", start, end, hint="write the code point in hex: `\\u{e9}`")
            return ""
        return chr(code)
    problems.add("W301", f"unknown escape `\\{what}` is kept as two characters", start, end, hint=f"write `\\\\{what}`")
    return match[0]


def quote(text: str) -> str:
    """Return a string token that means `text`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    escaped = escaped.replace("\t", "\\t")
    return '"' + re.sub(r"[\x01-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", _hex, escaped) + '"'


def _hex(match: re.Match[str]) -> str:
    return f"\\u{{{ord(match[0]):x}}}"
