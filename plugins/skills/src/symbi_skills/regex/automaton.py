"""A lazy deterministic automaton: time linear in the text whatever the expression, states made only as the text asks for them."""

from __future__ import annotations

from bisect import bisect_right

from symbi_skills.regex.nodes import Node
from symbi_skills.regex.program import MATCH, Program, build

__all__ = ["LineMatcher"]

_MAX_STATES = 2_000
_EDGE, _WORD, _OTHER = 0, 1, 2


class _State:
    __slots__ = ("after", "at_end", "core", "matched", "next")

    def __init__(self, core: frozenset[int], after: int) -> None:
        self.core = core
        self.after = after
        self.next: dict[str, _State] = {}
        self.matched = False
        self.at_end: bool | None = None


class _Automaton:
    """Runs one program; `anchored` matches only where it starts. A state that was `matched` has a match ending before its last character."""

    def __init__(self, program: Program, *, anchored: bool) -> None:
        self._program = program
        self._anchored = anchored
        self._states: dict[tuple[frozenset[int], int, bool], _State] = {}
        self._tests = [None if ranges is None else _test(ranges) for ranges in program.chars]

    def begin(self, after: int) -> _State:
        return self._state(frozenset((self._program.start,)), after, False)

    def _state(self, core: frozenset[int], after: int, matched: bool) -> _State:
        key = (core, after, matched)
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= _MAX_STATES:
                self._states.clear()
            state = self._states[key] = _State(core, after)
            state.matched = matched
        return state

    def _closure(self, core: frozenset[int], *, first: bool, last: bool, boundary: bool) -> set[int]:
        holds = {"^": first, "$": last, "b": boundary, "B": not boundary}
        seen: set[int] = set()
        todo = list(core)
        program = self._program
        while todo:
            number = todo.pop()
            if number in seen:
                continue
            seen.add(number)
            kind = program.asserts[number]
            if program.chars[number] is None and (kind is None or holds[kind]):
                todo.extend(program.out[number])
        return seen

    def step(self, state: _State, character: str) -> _State:
        """Return the state after `character`, making it on first use."""
        word = character.isascii() and (character.isalnum() or character == "_")
        reached = self._closure(
            state.core, first=state.after == _EDGE, last=False, boundary=(state.after == _WORD) != word
        )
        code = ord(character)
        core = set()
        for number in reached:
            test = self._tests[number]
            if test is not None and test(code):
                core.add(self._program.out[number][0])
        if not self._anchored:
            core.add(self._program.start)
        following = self._state(frozenset(core), _WORD if word else _OTHER, MATCH in reached)
        state.next[character] = following
        return following

    def ends(self, state: _State, *, following: str = "") -> bool:
        """Tell whether a match ends at this position, before `following` (the end of the line if empty)."""
        if not following:
            if state.at_end is None:
                reached = self._closure(
                    state.core, first=state.after == _EDGE, last=True, boundary=state.after == _WORD
                )
                state.at_end = MATCH in reached
            return state.at_end
        return (state.next.get(following) or self.step(state, following)).matched


def _test(ranges: tuple[tuple[int, int], ...]):  # type: ignore[no-untyped-def]
    lows = [low for low, _ in ranges]
    highs = [high for _, high in ranges]

    def test(code: int) -> bool:
        index = bisect_right(lows, code) - 1
        return index >= 0 and code <= highs[index]

    return test


class LineMatcher:
    """One expression over single lines (no newline, no trailing carriage return): existence and leftmost-longest spans."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._forward = _Automaton(build(node), anchored=False)
        self._backward: _Automaton | None = None
        self._anchored: _Automaton | None = None

    def matches(self, line: str) -> bool:
        """Tell whether the expression matches anywhere in `line`."""
        automaton = self._forward
        state = automaton.begin(_EDGE)
        for character in line:
            following = state.next.get(character)
            state = automaton.step(state, character) if following is None else following
            if state.matched:
                return True
        return automaton.ends(state)

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Return the leftmost-longest matches that do not overlap, as character offsets."""
        result: list[tuple[int, int]] = []
        position = 0
        for start in self._starts(line):
            if start >= position:
                end = self._longest(line, start)
                result.append((start, end))
                position = max(end, start + 1)
        return result

    def _starts(self, line: str) -> list[int]:
        if self._backward is None:
            self._backward = _Automaton(build(self._node, backwards=True), anchored=False)
        automaton, starts = self._backward, []
        state = automaton.begin(_EDGE)
        for index in range(len(line) - 1, -1, -1):
            character = line[index]
            following = state.next.get(character)
            state = automaton.step(state, character) if following is None else following
            if state.matched:
                starts.append(index + 1)
        if automaton.ends(state):
            starts.append(0)
        starts.reverse()
        return starts

    def _longest(self, line: str, start: int) -> int:
        if self._anchored is None:
            self._anchored = _Automaton(build(self._node), anchored=True)
        automaton, end = self._anchored, start
        before = line[start - 1] if start else ""
        after = _EDGE if not start else _WORD if before.isascii() and (before.isalnum() or before == "_") else _OTHER
        state = automaton.begin(after)
        for index in range(start, len(line)):
            following = state.next.get(line[index])
            state = automaton.step(state, line[index]) if following is None else following
            if state.matched:
                end = index
            if not state.core:
                return end
        return len(line) if automaton.ends(state) else end
