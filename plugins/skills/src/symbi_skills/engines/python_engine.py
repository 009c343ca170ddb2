"""The engine without any library: literal search picks the lines, a lazy automaton judges them in linear time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symbi_skills.regex.automaton import LineMatcher
from symbi_skills.regex.literals import needed_keys, needed_texts
from symbi_skills.regex.nodes import Node
from symbi_skills.regex.parse import RegexError
from symbi_skills.regex.program import ProgramTooLarge

__all__ = ["PythonEngine"]

_PIECE = 1 << 20
_SPLIT = bytes(code if chr(code).isalnum() and code < 128 or code == 95 else 32 for code in range(256))


class PythonEngine:
    """Serves where google-re2 is not installed."""

    name = "python"

    def compile(self, nodes: Sequence[Node], /, *, quiet: frozenset[int] = frozenset()) -> PythonMatcher:
        """Compile the patterns."""
        return PythonMatcher(nodes, quiet)


class PythonMatcher:
    """Literals first: only a line that holds one of a pattern's required texts is read by its automaton."""

    def __init__(self, nodes: Sequence[Node], quiet: frozenset[int]) -> None:
        self._nodes = list(nodes)
        self._matchers: dict[int, LineMatcher] = {}
        self._needs = [[tuple(text.encode() for text in choices) for choices in needed_texts(node)] for node in nodes]
        keys = [
            [(frozenset(word.encode() for word in words), tuple(text.encode() for text in texts)) for words, texts in needed_keys(node)]
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
            if all(not words.isdisjoint(needed) or any(text in lowered for text in texts) for needed, texts in self._keys[number]):
                found.add(number)
        return found

    def spans(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the first match of each line that holds the needed texts."""
        matcher = self._matcher(number)
        for start, end in self._candidates(number, data):
            text = data[start:end].decode("utf-8", "replace")
            if text.endswith("\r"):
                text = text[:-1]
            if matcher.matches(text):
                for first, last in matcher.spans(text)[:1]:
                    yield start + len(text[:first].encode()), start + len(text[:last].encode())

    def _candidates(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        needs = self._needs[number]
        lowered = data.lower()
        if not needs:
            start = 0
            for line in lowered.split(b"\n"):
                yield start, start + len(line)
                start += len(line) + 1
            return
        first = min(needs, key=lambda choices: sum(lowered.count(choice) for choice in choices))
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
            if all(any(lowered.find(choice, start, end) >= 0 for choice in choices) for choices in needs if choices is not first):
                yield start, end

    def blank(self, number: int, line: bytes) -> bytes:
        """Replace every match by blanks of the same length."""
        text = line.decode("utf-8", "replace")
        for first, last in reversed(self._matcher(number).spans(text)):
            text = text[:first] + " " * len(text[first:last].encode()) + text[last:]
        return text.encode()
