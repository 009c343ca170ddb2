"""The state of one run: what is left of its steps, memory, depth and time, and the way to the world."""

from __future__ import annotations

from time import monotonic
from typing import Any, NoReturn

from symbi.contracts.languages import ProgramLimits
from symbi_dsl.interpreter.errors import LanguageError, LimitReached
from symbi_dsl.syntax.source import Source

__all__ = ["Runtime"]

_ALWAYS = 64
_STRIDE = 256
_INTERVAL = 0.05


class Runtime:
    """Budgets count down; `mark` is the number of steps left at which `tick` looks at the clock and tells the line."""

    __slots__ = (
        "_next_report",
        "_reports",
        "_until",
        "capabilities",
        "cells",
        "depth",
        "effects",
        "facts",
        "limits",
        "mark",
        "source",
        "steps",
    )

    def __init__(
        self,
        source: Source,
        limits: ProgramLimits,
        *,
        effects: Any,
        facts: dict[str, Any],
        capabilities: frozenset[str],
    ) -> None:
        self.source = source
        self.limits = limits
        self.effects = effects
        self.facts = facts
        self.capabilities = capabilities
        self.steps = limits.max_steps
        self.mark = limits.max_steps
        self.cells = limits.max_cells
        self.depth = 0
        self._reports = _ALWAYS if effects is not None else 0
        self._next_report = 0.0
        self._until = None if limits.wall_seconds is None else monotonic() + limits.wall_seconds

    def tick(self, line: int) -> None:
        """Tell where the program is, and stop it where its steps or its time are used up."""
        if self.steps < 0:
            message = f"more than {self.limits.max_steps} steps"
            raise LimitReached("StepLimit", message, code="limit_steps", at=-line)
        if self._reports > 0:
            self._reports -= 1
            self.mark = self.steps
            self.effects.step(line)
        else:
            self.mark = max(self.steps - _STRIDE, 0)
            now = monotonic()
            if self.effects is not None and now >= self._next_report:
                self._next_report = now + _INTERVAL
                self.effects.step(line)
        if self._until is not None and monotonic() > self._until:
            message = f"longer than {self.limits.wall_seconds:g} seconds"
            raise LimitReached("TimeLimit", message, code="limit_wall", at=-line)

    def spend(self, cells: int) -> None:
        """Count what a new text, list or map takes."""
        self.cells -= cells
        if self.cells < 0:
            raise LimitReached("MemoryLimit", "the program makes too much data", code="limit_memory")

    def work(self, count: int) -> None:
        """Count going through so many values as steps, sixteen of them one, so that no single call can take long."""
        self.steps -= count >> 4
        if self.steps < 0:
            message = f"more than {self.limits.max_steps} steps"
            raise LimitReached("StepLimit", message, code="limit_steps")

    def text(self, length: int) -> None:
        """Check and count the length of a new text; one that is too long has cost what it took to find that out."""
        if length > self.limits.max_text:
            self.spend(self.limits.max_text)
            raise LanguageError("TooLong", f"a text can not be longer than {self.limits.max_text} characters")
        self.spend(length)

    def items(self, count: int, *, new: int | None = None) -> None:
        """Check the size of a list or map, and count what is new in it."""
        if count > self.limits.max_items:
            self.spend(self.limits.max_items)
            raise LanguageError("TooLong", f"a list or map can not hold more than {self.limits.max_items} entries")
        self.spend(count if new is None else new)

    def enter(self, at: int) -> None:
        """Count one call."""
        self.depth += 1
        if self.depth > self.limits.max_depth:
            self.depth = 0
            self.too_deep(at)

    def too_deep(self, at: int) -> NoReturn:
        """Stop a program that calls itself too deeply."""
        message = f"calls are nested more than {self.limits.max_depth} levels deep"
        raise LimitReached("DepthLimit", message, code="limit_depth", at=at)

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column of an offset; a negative one stands for a line."""
        return self.source.position(at) if at >= 0 else ((-at, 1) if at < -1 else (0, 0))
