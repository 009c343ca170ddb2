"""Writing a tree back as RE2 syntax, for one pass in multi-line mode over many lines at once."""

from __future__ import annotations

from symbi_skills.regex.nodes import Alt, Assert, Cat, Chars, Node, Rep

__all__ = ["to_ascii_re", "to_re2"]

_ASSERTS = {"^": "(?m:^)", "$": "(?:\\r?(?m:$))", "b": "\\b", "B": "\\B"}


def to_re2(node: Node) -> str:
    """Return an expression that RE2 and Hyperscan read and that never matches across a newline."""
    match node:
        case Chars(ranges=((low, high),)) if low == high:
            return _char(low)
        case Chars(ranges=()):
            return "[^\\x00-\\x{10FFFF}]"
        case Chars(ranges=ranges):
            return (
                "["
                + "".join(_char(low) if low == high else f"{_char(low)}-{_char(high)}" for low, high in ranges)
                + "]"
            )
        case Cat(items=items):
            return "".join(map(to_re2, items))
        case Alt(items=items):
            return "(?:" + "|".join(map(to_re2, items)) + ")"
        case Rep(item=item, low=low, high=high):
            return f"(?:{to_re2(item)}){_count(low, high)}"
        case Assert(kind=kind):
            return _ASSERTS[kind]


def _count(low: int, high: int | None) -> str:
    if (low, high) == (0, None):
        return "*"
    if (low, high) == (1, None):
        return "+"
    if (low, high) == (0, 1):
        return "?"
    return f"{{{low},{'' if high is None else high}}}"


def _char(code: int) -> str:
    character = chr(code)
    if character.isascii() and character.isalnum():
        return character
    return f"\\x{{{code:x}}}"


def to_ascii_re(node: Node) -> bytes:
    """Return an expression for Python's `re` over ASCII bytes in multi-line mode; characters beyond ASCII are left out."""
    match node:
        case Chars(ranges=ranges):
            kept = [(low, min(high, 127)) for low, high in ranges if low < 128]
            if not kept:
                return b"[^\\x00-\\xff]"
            return (
                b"["
                + b"".join(b"\\x%02x" % low if low == high else b"\\x%02x-\\x%02x" % (low, high) for low, high in kept)
                + b"]"
            )
        case Cat(items=items):
            return b"".join(map(to_ascii_re, items))
        case Alt(items=items):
            return b"(?:" + b"|".join(map(to_ascii_re, items)) + b")"
        case Rep(item=item, low=low, high=high):
            return b"(?:" + to_ascii_re(item) + b")" + _count(low, high).encode()
        case Assert(kind=kind):
            return {"^": b"^", "$": b"\\r?$", "b": b"\\b", "B": b"\\B"}[kind]
