"""Whether a space stands between two tokens of a line."""

from __future__ import annotations

from symbi_dsl.formatter.pieces import Piece

__all__ = ["needs_space"]

_OPENERS = frozenset({"(", "["})
_TIGHT_BEFORE = frozenset({")", "]", ",", ";", ".", ":"})
_TIGHT_AFTER = frozenset({"(", "[", ".", "!"})
_VALUES = frozenset({"id", "str", "num", "dur", "size", "vault", ")", "]", "}"})
_WORDS = frozenset(
    {
        "if",
        "in",
        "not",
        "return",
        "while",
        "match",
        "for",
        "let",
        "catch",
        "else",
        "with",
        "capability",
        "capabilities",
        "require",
        "check",
    }
)


def needs_space(before: Piece | None, left: Piece, right: Piece) -> bool:
    """Tell whether `right` stands apart from `left`; `before` is what stands before `left`."""
    here, there = left.kind, right.kind
    if here == "comment" or there == "comment":
        return True
    if there in _TIGHT_BEFORE:
        return there == "." and here == "num"
    if here in _TIGHT_AFTER:
        return False
    if there in _OPENERS:
        return not _callable(left)
    if left.typed and right.typed and (here == "<" or there == "<" or there == ">"):
        return False
    return not ((here == "{" and there == "}") or (here == "-" and _unary(before)))


def _callable(left: Piece) -> bool:
    if left.kind == "id":
        return left.text not in _WORDS
    return left.kind in (")", "]", "str")


def _unary(before: Piece | None) -> bool:
    if before is None or before.kind not in _VALUES:
        return True
    return before.kind == "id" and before.text in ("return", "in", "not", "if", "while", "match")
