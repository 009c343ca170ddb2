"""Hyperscan: all telling pieces in one block-mode pass; single places are found by the pure-Python automaton."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import hyperscan  # type: ignore[import-not-found,import-untyped,unused-ignore]

from symbi_skills.engines.python_engine import PythonMatcher
from symbi_skills.regex.core import core
from symbi_skills.regex.emit import to_re2
from symbi_skills.regex.nodes import Node
from symbi_skills.regex.parse import RegexError

__all__ = ["HyperscanEngine"]


class HyperscanEngine:
    """Optional: `pip install symbi-skills[hyperscan]`."""

    name = "hyperscan"

    def compile(
        self,
        nodes: Sequence[Node],
        /,
        *,
        quiet: frozenset[int] = frozenset(),
        hints: Mapping[int, bytes] | None = None,
    ) -> HyperscanMatcher:
        """Compile the patterns into one database."""
        return HyperscanMatcher(nodes, quiet, hints or {})


class HyperscanMatcher(PythonMatcher):
    """The database says which patterns may match; where they match is told as by the pure-Python engine."""

    def __init__(self, nodes: Sequence[Node], quiet: frozenset[int], hints: Mapping[int, bytes]) -> None:
        super().__init__(nodes, quiet, hints)
        numbers = [number for number in range(len(nodes)) if number not in quiet]
        flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_ALLOWEMPTY
        self._database: Any = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            self._database.compile(
                expressions=[to_re2(core(nodes[number])).encode() for number in numbers],
                ids=numbers,
                elements=len(numbers),
                flags=[flags] * len(numbers),
            )
        except hyperscan.error as error:
            raise RegexError(-1, f"Hyperscan refuses the rules: {error}") from None

    def present(self, data: bytes) -> Iterable[int]:
        """Return the numbers of the patterns whose telling piece is there."""
        found: set[int] = set()
        self._database.scan(data, match_event_handler=lambda number, *_: found.add(number))
        return sorted(found)
