"""RE2: one set of the telling pieces over a whole text, then single expressions over what it points at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import re2  # type: ignore[import-untyped]

from symbi_skills.regex.core import core
from symbi_skills.regex.emit import to_re2
from symbi_skills.regex.nodes import Node
from symbi_skills.regex.parse import RegexError

__all__ = ["Re2Engine"]

_MEMORY = 256 << 20
_CANARY = b"\n\x01symbi:canary\x01\n"


def _options(memory: int = 8 << 20) -> Any:
    options = re2.Options()
    options.longest_match = True
    options.log_errors = False
    options.max_mem = memory
    return options


class Re2Engine:
    """The default engine."""

    name = "re2"

    def compile(
        self, nodes: Sequence[Node], /, *, quiet: frozenset[int] = frozenset(), hints: Mapping[int, bytes] | None = None
    ) -> Re2Matcher:
        """Compile the patterns, each also alone, to name the one that fails."""
        return Re2Matcher(nodes, quiet)


class Re2Matcher:
    """A set with a canary: RE2 answers nothing at all when hostile text exhausts its automaton, and the canary shows it."""

    def __init__(self, nodes: Sequence[Node], quiet: frozenset[int]) -> None:
        self._texts = [to_re2(node) for node in nodes]
        self._compiled: dict[int, Any] = {}
        self._numbers: list[int] = []
        self._set = re2.Set.SearchSet(_options(_MEMORY))
        for number, node in enumerate(nodes):
            if number not in quiet:
                self._add(number, to_re2(core(node)))
        self._canary = len(self._numbers)
        self._set.Add("\\x01symbi:canary\\x01")
        self._set.Compile()
        if self._canary not in self._set.Match(_CANARY):
            raise RegexError(-1, "the rules together are too large for RE2")

    def _add(self, number: int, text: str) -> None:
        try:
            self._set.Add(text)
        except re2.error as error:
            raise RegexError(number, f"RE2 refuses it: {_words(error)}") from None
        self._numbers.append(number)

    def _pattern(self, number: int) -> Any:
        pattern = self._compiled.get(number)
        if pattern is None:
            try:
                pattern = self._compiled[number] = re2.compile(self._texts[number], _options(32 << 20))
            except re2.error as error:
                raise RegexError(number, f"RE2 refuses it: {_words(error)}") from None
        return pattern

    def check(self) -> None:
        """Compile every pattern now instead of on first use; raises `RegexError` with the number of a bad one."""
        for number in range(len(self._texts)):
            self._pattern(number)

    def present(self, data: bytes) -> Iterable[int]:
        """Return the numbers of the patterns whose telling piece is there."""
        found = self._set.Match(data + _CANARY)
        if not found or self._canary not in found:
            return [number for number in self._numbers if self._pattern(number).search(data)]
        if len(found) == 1:
            return ()
        numbers = self._numbers
        return [numbers[index] for index in sorted(found) if index != self._canary]

    def spans(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the first match of each line."""
        search = self._pattern(number).search
        position = 0
        while position <= len(data):
            match = search(data, position)
            if match is None:
                return
            start, end = match.span()
            yield start, end
            newline = data.find(b"\n", end)
            if newline < 0:
                return
            position = newline + 1

    def blank(self, number: int, line: bytes) -> bytes:
        """Replace every match by blanks of the same length."""
        pattern = self._pattern(number)
        parts, last = [], 0
        for match in pattern.finditer(line):
            start, end = match.span()
            parts += [line[last:start], b" " * (end - start)]
            last = end
        return b"".join([*parts, line[last:]]) if parts else line


def _words(error: Exception) -> str:
    detail = error.args[0] if error.args else error
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
