"""Thompson's construction: a tree as a small program of states, forwards or backwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from symbi_skills.regex.nodes import Alt, Assert, Cat, Chars, Node, Rep

__all__ = ["MATCH", "Program", "ProgramTooLarge", "build"]

MATCH = 0
_MAX_STATES = 20_000


class ProgramTooLarge(ValueError):
    """The expression unfolds into more states than a scan may hold."""


@dataclass(slots=True)
class Program:
    """States by number; state 0 is the match. A state reads a character, or splits, or asks about the position."""

    chars: list[tuple[tuple[int, int], ...] | None] = field(default_factory=lambda: [None])
    asserts: list[str | None] = field(default_factory=lambda: [None])
    out: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    start: int = 0

    def add(
        self, out: tuple[int, ...], chars: tuple[tuple[int, int], ...] | None = None, kind: str | None = None
    ) -> int:
        """Add a state and return its number."""
        if len(self.out) >= _MAX_STATES:
            raise ProgramTooLarge(f"it unfolds into more than {_MAX_STATES} states")
        self.chars.append(chars)
        self.asserts.append(kind)
        self.out.append(out)
        return len(self.out) - 1


def build(node: Node, *, backwards: bool = False) -> Program:
    """Return the program of `node`; `backwards` reads the text from its end."""
    program = Program()
    program.start = _compile(program, node, MATCH, backwards)
    return program


def _compile(program: Program, node: Node, following: int, backwards: bool) -> int:
    match node:
        case Chars(ranges=ranges):
            return program.add((following,), chars=ranges)
        case Cat(items=items):
            for item in items if backwards else reversed(items):
                following = _compile(program, item, following, backwards)
            return following
        case Alt(items=items):
            return program.add(tuple(_compile(program, item, following, backwards) for item in items))
        case Rep(item=item, low=low, high=high):
            return _repeat(program, item, low, high, following, backwards)
        case Assert(kind=kind):
            turned = {"^": "$", "$": "^"}.get(kind, kind) if backwards else kind
            return program.add((following,), kind=turned)


def _repeat(program: Program, item: Node, low: int, high: int | None, following: int, backwards: bool) -> int:
    if high is None:
        loop = program.add(())
        program.out[loop] = (_compile(program, item, loop, backwards), following)
        following = loop
    else:
        end = following
        for _ in range(high - low):
            following = program.add((_compile(program, item, following, backwards), end))
    for _ in range(low):
        following = _compile(program, item, following, backwards)
    return following
