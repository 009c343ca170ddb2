"""The engine without any library: literal search picks the lines, a lazy automaton judges them in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from symbi_skills.regex.automaton import LineMatcher
from symbi_skills.regex.core import core, telling
from symbi_skills.regex.emit import to_ascii_re
from symbi_skills.regex.literals import needed_keys, needed_texts
from symbi_skills.regex.nodes import Alt, Cat, Chars, Node, Rep
from symbi_skills.regex.parse import RegexError
from symbi_skills.regex.program import ProgramTooLarge

__all__ = ["PythonEngine"]

_SHORT = 200
_WIDE = 100
_PIECE = 1 << 20
_SPLIT = bytes(code if (chr(code).isalnum() and code < 128) or code == 95 else 32 for code in range(256))


class PythonEngine:
    """Serves where google-re2 is not installed."""

    name = "python"

    def compile(
        self, nodes: Sequence[Node], /, *, quiet: frozenset[int] = frozenset(), hints: Mapping[int, bytes] | None = None
    ) -> PythonMatcher:
        """Compile the patterns."""
        return PythonMatcher(nodes, quiet, hints or {})


class PythonMatcher:
    """Literals first: only a line that holds one of a pattern's required texts is read by its automaton."""

    def __init__(self, nodes: Sequence[Node], quiet: frozenset[int], hints: Mapping[int, bytes]) -> None:
        self._nodes = list(nodes)
        self._hints = {number: re.compile(hint, re.MULTILINE) for number, hint in hints.items()}
        self._quick: dict[int, re.Pattern[bytes] | None] = {}
        self._cores: dict[int, re.Pattern[bytes] | None] = {}
        self._matchers: dict[int, LineMatcher] = {}
        ordered = [sorted(needed_texts(node), key=telling, reverse=True) for node in nodes]
        self._telling = [bool(needs) and telling(needs[0])[0] and telling(needs[0])[1] >= 3 for needs in ordered]
        self._needs = [[tuple(text.encode() for text in choices) for choices in needs] for needs in ordered]
        keys = [
            [
                (frozenset(word.encode() for word in words), tuple(text.encode() for text in texts))
                for words, texts in needed_keys(node)
            ]
            for node in nodes
        ]
        self._keys = keys
        self._always = [number for number in range(len(nodes)) if number not in quiet and not keys[number]]
        self._by_word: dict[bytes, list[int]] = {}
        self._by_text: dict[bytes, list[int]] = {}
        for number in range(len(nodes)):
            if number not in quiet and keys[number]:
                words, texts = keys[number][0]
                for word in words:
                    self._by_word.setdefault(word, []).append(number)
                for text in texts:
                    self._by_text.setdefault(text, []).append(number)
        self._words = frozenset(word for needs in keys for words, _ in needs for word in words)

    def _matcher(self, number: int) -> LineMatcher:
        matcher = self._matchers.get(number)
        if matcher is None:
            try:
                matcher = self._matchers[number] = LineMatcher(self._nodes[number])
            except ProgramTooLarge as error:
                raise RegexError(number, str(error)) from None
        return matcher

    def check(self) -> None:
        """Build every automaton now instead of on first use; raises `RegexError` with the number of a bad one."""
        for number in range(len(self._nodes)):
            self._matcher(number)

    def present(self, data: bytes) -> Iterable[int]:
        """Return the patterns whose needed texts are all there, looking at a piece of whole lines at a time."""
        if len(data) <= _PIECE:
            return sorted(self._present(data))
        found: set[int] = set()
        start = 0
        while start < len(data):
            end = data.find(b"\n", start + _PIECE)
            end = len(data) if end < 0 else end + 1
            found |= self._present(data[start:end])
            start = end
        return sorted(found)

    def _present(self, data: bytes) -> set[int]:
        lowered = data.lower()
        found = set(self._always)
        words = self._words.intersection(lowered.translate(_SPLIT).split())
        likely = {number for word in words for number in self._by_word.get(word, ())}
        for text, numbers in self._by_text.items():
            if text in lowered:
                likely.update(numbers)
        for number in likely:
            if all(
                not words.isdisjoint(needed) or any(text in lowered for text in texts)
                for needed, texts in self._keys[number]
            ):
                found.add(number)
        return found

    def spans(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the first match of each line that holds the needed texts."""
        matcher = self._matcher(number)
        for start, end in self._lines(number, data):
            if end - start <= _SHORT and not self._possible(number, data[start:end]):
                continue
            text = data[start:end].decode("utf-8", "replace")
            if text.endswith("\r"):
                text = text[:-1]
            if matcher.matches(text):
                for first, last in matcher.spans(text)[:1]:
                    yield start + len(text[:first].encode()), start + len(text[:last].encode())

    def _lines(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        """Choose the cheaper way to the lines: telling texts where there are some, else the telling piece."""
        telling = self._telling[number] and number not in self._hints
        return self._candidates(number, data) if telling or not data.isascii() else self._core_lines(number, data)

    def _possible(self, number: int, line: bytes) -> bool:
        """Tell, for a short ASCII line, what Python's own `re` says; patterns that could run away there are left to the automaton."""
        if number not in self._quick:
            node = self._nodes[number]
            self._quick[number] = re.compile(to_ascii_re(node), re.MULTILINE) if _gaps(node) <= 1 else None
        pattern = self._quick[number]
        return pattern is None or not line.isascii() or pattern.search(line) is not None

    def _core(self, number: int) -> re.Pattern[bytes] | None:
        """Return the telling piece for Python's own `re`, where it cannot run away: it has no long gap, and begins with something fixed."""
        if number in self._hints:
            return self._hints[number]
        if number not in self._cores:
            node = core(self._nodes[number])
            self._cores[number] = re.compile(to_ascii_re(node), re.MULTILINE) if _is_anchored(node) else None
        return self._cores[number]

    def _core_lines(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        pattern = self._core(number)
        if pattern is None:
            yield from self._candidates(number, data)
            return
        position = 0
        while match := pattern.search(data, position):
            start = (
                data.rfind(b"\n", 0, match.end()) + 1
                if match.end() > match.start()
                else data.rfind(b"\n", 0, match.start()) + 1
            )
            end = data.find(b"\n", match.end())
            end = len(data) if end < 0 else end
            yield start, end
            position = end + 1
            if position > len(data):
                return

    def _candidates(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        needs = self._needs[number]
        lowered = data.lower()
        if not needs:
            start = 0
            for line in lowered.split(b"\n"):
                yield start, start + len(line)
                start += len(line) + 1
            return
        first = needs[0]
        lines: set[tuple[int, int]] = set()
        for choice in first:
            position = lowered.find(choice)
            while position >= 0:
                start = lowered.rfind(b"\n", 0, position) + 1
                end = lowered.find(b"\n", position)
                end = len(data) if end < 0 else end
                lines.add((start, end))
                position = lowered.find(choice, end)
        for start, end in sorted(lines):
            if all(
                any(lowered.find(choice, start, end) >= 0 for choice in choices)
                for choices in needs
                if choices is not first
            ):
                yield start, end

    def blank(self, number: int, line: bytes) -> bytes:
        """Replace every match by blanks of the same length."""
        text = line.decode("utf-8", "replace")
        for first, last in reversed(self._matcher(number).spans(text)):
            text = text[:first] + " " * len(text[first:last].encode()) + text[last:]
        return text.encode()


def _is_anchored(node: Node) -> bool:
    """Tell whether a search for `node` starts rarely: its first piece is no open repetition, and nothing open holds another."""
    match node:
        case Cat(items=items):
            return bool(items) and _is_anchored(items[0]) and all(_is_flat(item) for item in items)
        case Alt(items=items):
            return all(map(_is_anchored, items))
        case Rep(high=high):
            return high is not None and _is_flat(node)
        case _:
            return True


def _is_flat(node: Node) -> bool:
    match node:
        case Cat(items=items) | Alt(items=items):
            return all(map(_is_flat, items))
        case Rep(item=item, high=None):
            return not isinstance(item, Rep | Cat | Alt)
        case Rep(item=item):
            return _is_flat(item)
        case _:
            return True


def _gaps(node: Node) -> int:
    """Return how many open repetitions of nearly any character `node` has, one within another counting double."""
    match node:
        case Cat(items=items):
            return sum(map(_gaps, items))
        case Alt(items=items):
            return max(map(_gaps, items), default=0)
        case Rep(item=Chars(ranges=ranges), high=None):
            return int(sum(high - low + 1 for low, high in ranges) > _WIDE)
        case Rep(item=item, high=high):
            inner = _gaps(item)
            return (
                inner + (2 if high is None and not isinstance(item, Chars) else 0) + (1 if inner and high != 1 else 0)
            )
        case _:
            return 0
