"""What an engine offers to the scanner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from symbi_skills.regex.nodes import Node

__all__ = ["Engine", "Matcher"]


class Matcher(Protocol):
    """Compiled patterns over UTF-8 text of many lines; a pattern never matches across a newline."""

    def present(self, data: bytes) -> Iterable[int]:
        """Return the numbers of the patterns that may match somewhere in `data`; none that matches is left out."""
        ...

    def spans(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the first leftmost-longest match of each line, in order, as byte offsets."""
        ...

    def blank(self, number: int, line: bytes) -> bytes:
        """Return the line with every match of the pattern replaced by blanks."""
        ...


class Engine(Protocol):
    """Makes matchers."""

    name: str

    def compile(
        self, nodes: Sequence[Node], /, *, quiet: frozenset[int] = frozenset(), hints: Mapping[int, bytes] | None = None
    ) -> Matcher:
        """Compile patterns; those numbered in `quiet` are never reported by `present`.
        `hints` are expressions for Python's `re`, cheap and part of every line that the pattern matches.

        Raises `RegexError` for a pattern that it cannot run, with the number as first argument.
        """
        ...
