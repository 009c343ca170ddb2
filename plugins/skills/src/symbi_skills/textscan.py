"""One text against all rules: as written, as understood, as decoded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from symbi_skills.ruleset import CompiledCheck, RuleSet
from symbi_skills.text.lines import Lines
from symbi_skills.text.payloads import Payload, payloads
from symbi_skills.text.pychunks import suspicious_calls
from symbi_skills.text.signals import NAMES
from symbi_skills.text.views import segments

__all__ = ["Hit", "TextScan"]

_SIGNALS = len(NAMES)
_NUMBERS = {name: number for number, name in enumerate(NAMES)}
_MAX_DEPTH = 3
_PY_CALL = {"python-call", "python-shell", "python-alias", "python-hidden"}
_PY_WHY = {
    "python-decode",
    "python-fetch",
    "python-danger",
    "python-hidden",
    "python-backwards",
    "python-alias",
    "characters",
    "escape",
    "argv",
    "split-word",
}
_PY_NEAR = {"concat", "concat-end"}
_NEAR_LINES = 12
_JOINING = {"continuation", "open-pipe", "open-group", "caret", "concat-end", "argv"}
_MAX_LEVEL = 2
_MANY = 64
_MAX_CALLS = 2_000


class Hit(NamedTuple):
    """A rule that matched: 0-based line, characters from and to (0-based, -1 when the line reads otherwise), text, how it was read."""

    rule: int
    line: int
    start: int
    end: int
    text: str
    made: str


class _Where:
    """The lines of a signal, found once."""

    def __init__(self, rules: RuleSet, lines: Lines) -> None:
        self._rules = rules
        self._lines = lines
        self._found: dict[str, list[int]] = {}

    def __call__(self, name: str) -> Iterator[int]:
        if name not in self._found:
            spans = self._rules.matcher.spans(_NUMBERS[name], self._lines.data)
            self._found[name] = [self._lines.number(start) for start, _ in spans]
        return iter(self._found[name])


class TextScan:
    """Scans one text; `hits` holds one hit for a rule and line, the plainest reading first."""

    def __init__(self, rules: RuleSet, name: str, *, python: bool) -> None:
        self._rules = rules
        self._name = name
        self._python = python
        self.hits: dict[tuple[int, int], Hit] = {}
        self.too_deep: list[int] = []
        self.archives: list[tuple[int, Payload]] = []
        self.comments: list[int] = []

    def scan(self, data: bytes) -> None:
        """Scan valid UTF-8."""
        self._scan(data, lambda line: line, "", 0)

    def _scan(self, data: bytes, origin: Callable[[int], int], made: str, depth: int) -> None:
        rules = self._rules
        found = rules.matcher.present(data)
        lines = Lines(data)
        if found:
            signals = {NAMES[number] for number in found if number < _SIGNALS}
            self._match(lines, set(found), origin, made)
        else:
            signals = set()
        if signals or not data.isascii():
            where = _Where(rules, lines)
            self._understood(lines, signals, where, origin, made)
            if self._python and signals & _PY_CALL and signals & (_PY_WHY | _PY_NEAR):
                calls = {line for name in signals & _PY_CALL for line in where(name)}
                reasons = {line for name in signals & _PY_WHY for line in where(name)}
                sums = {line for name in signals & _PY_NEAR for line in where(name)}
                reasons |= {
                    line for line in sums if not calls.isdisjoint(range(line - _NEAR_LINES, line + _NEAR_LINES))
                }
                if calls and reasons:
                    self._called(data, calls, reasons, origin, made)
        self._unpacked(payloads(data), lines, origin, lambda _: made, depth)

    def _understood(
        self, lines: Lines, signals: set[str], where: _Where, origin: Callable[[int], int], made: str
    ) -> None:
        if "ignore-comment" in signals:
            self.comments.extend(origin(number) for number in where("ignore-comment"))
        read = list(segments(lines, signals, where))
        if read:
            self._derived([(segment.text, origin(segment.line), _join(made, segment.made)) for segment in read])

    def _called(self, data: bytes, calls: set[int], reasons: set[int], origin: Callable[[int], int], made: str) -> None:
        if len(calls) > _MAX_CALLS:
            self.too_deep.append(origin(min(calls)))
            return
        found = suspicious_calls(data.decode("utf-8", "replace"), calls, reasons)
        read = [(text, origin(line), _join(made, "computed by Python")) for line, text in found]
        if read:
            self._derived(read)

    def _derived(self, read: list[tuple[str, int, str]], level: int = 0, depth: int = 1) -> None:
        """Match many derived lines in one pass, each a text of its own, and unmask those that are still in disguise."""
        data = "\n".join([text.replace("\n", " ") for text, _, _ in read]).encode("utf-8", "replace")
        found = self._rules.matcher.present(data)
        lines = Lines(data)
        if found:
            self._match(lines, set(found), lambda line: read[line][1], "", [made for _, _, made in read])
        signals = {NAMES[number] for number in found if number < _SIGNALS} - _JOINING
        if level < _MAX_LEVEL and (signals or not data.isascii()):
            again = segments(lines, signals, _Where(self._rules, lines))
            deeper = [(each.text, read[each.line][1], _join(read[each.line][2], each.made)) for each in again]
            if deeper:
                self._derived(deeper, level + 1, depth)
        self._unpacked(payloads(data), lines, lambda line: read[line][1], lambda line: read[line][2], depth)

    def _unpacked(
        self,
        found: Iterator[Payload],
        lines: Lines,
        origin: Callable[[int], int],
        made: Callable[[int], str],
        depth: int,
    ) -> None:
        """Scan decoded payloads: a few each as a text, very many together as lines, so that bait costs no more than it is long."""
        first = list(islice(found, _MANY))
        for payload in first:
            self._decoded(payload, lines, origin, made(lines.number(payload.offset)), depth)
        together: list[tuple[str, int, str]] = []
        for payload in found:
            number = lines.number(payload.offset)
            line = origin(number)
            if payload.archive:
                self.archives.append((line, payload))
            elif depth >= _MAX_DEPTH:
                self.too_deep.append(line)
            else:
                label = _join(made(number), payload.made)
                together += [(text, line, label) for text in payload.data.decode("utf-8", "replace").split("\n")]
        if together:
            self._derived(together, 0, depth + 1)

    def _decoded(self, payload: Payload, lines: Lines, origin: Callable[[int], int], made: str, depth: int) -> None:
        line = origin(lines.number(payload.offset))
        if payload.archive:
            self.archives.append((line, payload))
        elif depth >= _MAX_DEPTH:
            self.too_deep.append(line)
        else:
            self._scan(payload.data, lambda _: line, _join(made, payload.made), depth + 1)

    def _match(
        self, lines: Lines, found: set[int], origin: Callable[[int], int], made: str, labels: list[str] | None = None
    ) -> None:
        rules = self._rules
        candidates = {index for part in found if part >= _SIGNALS for index in rules.by_part.get(part, ())}
        places: dict[int, list[tuple[int, int]]] = {}
        for index in sorted(candidates):
            check = rules.checks[index]
            if all(part in found for part in check.parts) and check.looks_at(self._name):
                for start, end in self._places(check, lines, places, derived=labels is not None):
                    self._add(
                        check.rule,
                        lines,
                        start,
                        end,
                        origin,
                        made if labels is None else labels[lines.number(start)],
                        derived=bool(made) or labels is not None,
                    )

    def _places(
        self, check: CompiledCheck, lines: Lines, cache: dict[int, list[tuple[int, int]]], *, derived: bool
    ) -> Iterable[tuple[int, int]]:
        spans = []
        for part in check.parts:
            if part not in cache:
                cache[part] = list(self._rules.matcher.spans(part, lines.data))
            if not cache[part]:
                return ()
            spans.append(cache[part])
        if check.unless is not None:
            spans = [
                list(self._kept(check.unless, part, found, lines))
                for part, found in zip(check.parts, spans, strict=True)
            ]
        if len(spans) == 1:
            return spans[0]
        return () if derived else _near(spans, lines, check)

    def _kept(self, unless: int, part: int, spans: list[tuple[int, int]], lines: Lines) -> Iterator[tuple[int, int]]:
        """Yield the matches that are left when the harmless text of their line is blanked out."""
        matcher = self._rules.matcher
        for start, end in spans:
            number = lines.number(start)
            line = lines.line(number)
            blanked = matcher.blank(unless, line)
            if blanked == line:
                yield start, end
            else:
                offset = lines.start(number)
                for first, last in matcher.spans(part, blanked):
                    yield offset + first, offset + last

    def _add(
        self, rule: int, lines: Lines, start: int, end: int, origin: Callable[[int], int], made: str, *, derived: bool
    ) -> None:
        number = lines.number(start)
        line = origin(number)
        key = (rule, line)
        if key in self.hits:
            return
        raw = lines.line(number)
        text = raw.decode("utf-8", "replace")
        if derived:
            first = start - lines.start(number)
            self.hits[key] = Hit(rule, line, -1, -1, _around(text, first), made)
        else:
            offset = lines.start(number)
            first = len(raw[: start - offset].decode("utf-8", "replace"))
            last = first + len(lines.data[start:end].decode("utf-8", "replace"))
            self.hits[key] = Hit(rule, line, first, last, _around(text, first), made)


def _around(text: str, first: int) -> str:
    """Return the part of a long line that holds the match."""
    return text if len(text) <= 400 else text[max(0, first - 40) : max(0, first - 40) + 400]


def _join(outer: str, inner: str) -> str:
    return f"{outer}, {inner}" if outer else inner


def _near(spans: list[list[tuple[int, int]]], lines: Lines, check: CompiledCheck) -> Iterator[tuple[int, int]]:
    """Yield the first part of every place where all parts stand close enough."""
    if not check.ordered:
        yield from _any_order(spans, lines, check)
        return
    for start, end in spans[0]:
        last_line = lines.number(start) + check.within
        position = end
        for others in spans[1:]:
            index = bisect_left(others, (position, 0))
            if index == len(others) or lines.number(others[index][0]) > last_line:
                break
            position = others[index][1]
        else:
            yield start, end


def _any_order(spans: list[list[tuple[int, int]]], lines: Lines, check: CompiledCheck) -> Iterator[tuple[int, int]]:
    for start, end in spans[0]:
        line = lines.number(start)
        low = lines.starts[max(0, line - check.within)]
        high = lines.starts[line + check.within + 1] if line + check.within + 1 < len(lines) else len(lines.data) + 1
        if all(bisect_left(others, (low, 0)) < bisect_left(others, (high, 0)) for others in spans[1:]):
            yield start, end
