"""Whether a space stands between two tokens of a line."""

from __future__ import annotations

from symbi_dsl.formatter.pieces import Piece

__all__ = ["needs_space"]

_OPENERS = frozenset({"(", "["})
_TIGHT_BEFORE = frozenset({")", "]", ",", ";", ".", ":"})
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
    if left.comment or right.comment:
        return True
    if right.kind == ".":
        return left.kind == "num"
    if right.kind in _TIGHT_BEFORE or left.kind in _OPENERS or left.kind == ".":
        return False
    if left.typed and right.typed and ("<" in (left.kind, right.kind) or right.kind == ">"):
        return False
    if right.kind in _OPENERS:
        return not _callable(left)
    if left.kind == "{" and right.kind == "}":
        return False
    if left.kind == "!" or (left.kind == "-" and _unary(before)):
        return False
    return True


def _callable(left: Piece) -> bool:
    if left.kind == "id":
        return left.text not in _WORDS
    return left.kind in (")", "]", "str") and left.text[-1] != ";"


def _unary(before: Piece | None) -> bool:
    if before is None or before.kind not in _VALUES:
        return True
    return before.kind == "id" and before.text in ("return", "in", "not", "if", "while", "match")
