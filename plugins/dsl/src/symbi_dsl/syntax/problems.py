"""Problems of a text: raised by the parser, collected by everybody, turned into diagnostics at the end."""

from __future__ import annotations

from symbi.contracts.definitions import Diagnostic
from symbi_dsl.syntax.source import Source

__all__ = ["Problem", "Problems", "SyntaxProblem"]


class Problem:
    """One problem at `[start, end)` of the text; `related` is `(message, offset)` of other places."""

    __slots__ = ("code", "end", "hint", "message", "related", "severity", "start")

    def __init__(
        self,
        code: str,
        message: str,
        start: int,
        end: int,
        hint: str | None = None,
        related: tuple[tuple[str, int], ...] = (),
        severity: str | None = None,
    ) -> None:
        self.code = code
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint
        self.related = related
        self.severity = severity or ("warning" if code[0] == "W" else "error")


class SyntaxProblem(Exception):
    """Carries one problem from where it was found to where parsing can go on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Problems:
    """A bounded collection: at most `limit` errors and ten times as many warnings, in the order of the text at the end."""

    __slots__ = ("errors", "limit", "overflow", "warnings")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self.overflow = False

    @property
    def full(self) -> bool:
        """Tell that no further error will be kept."""
        return len(self.errors) >= self.limit

    @property
    def warned(self) -> bool:
        """Tell that no further warning will be kept."""
        return len(self.warnings) >= self.limit * 10

    def keep(self, problem: Problem) -> None:
        """Add one problem, unless there are enough."""
        if problem.severity == "warning":
            if len(self.warnings) < self.limit * 10:
                self.warnings.append(problem)
        elif self.full:
            self.overflow = True
        else:
            self.errors.append(problem)

    def add(
        self,
        code: str,
        message: str,
        start: int,
        end: int,
        *,
        hint: str | None = None,
        related: tuple[tuple[str, int], ...] = (),
        severity: str | None = None,
    ) -> None:
        """Add one problem by its parts."""
        self.keep(Problem(code, message, start, end, hint, related, severity))

    def diagnostics(self, source: Source) -> tuple[Diagnostic, ...]:
        """Return everything as diagnostics in the order of the text."""
        found = sorted([*self.errors, *self.warnings], key=lambda item: (item.start, item.severity, item.code))
        if self.overflow:
            end = len(source.text)
            found.append(Problem("E004", f"more than {self.limit} errors; the rest is not shown", end, end))
        return tuple(_diagnostic(item, source) for item in found)


def _diagnostic(item: Problem, source: Source) -> Diagnostic:
    length = len(source.text)
    start = min(item.start, length)
    end = min(max(item.end, start), length)
    line, column = source.position(start)
    end_line, end_column = source.position(end)
    related = []
    for message, offset in item.related:
        at = source.position(min(offset, length))
        related.append({"message": message, "line": at[0], "column": at[1]})
    return Diagnostic(
        severity="warning" if item.severity == "warning" else "error",
        code=item.code,
        message=item.message,
        hint=item.hint,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        snippet=source.snippet(start),
        related=tuple(related),
    )
