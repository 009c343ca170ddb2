"""Where in a file a line stands: script, prose, example, frontmatter or data."""

from __future__ import annotations

from symbi.contracts.scanner import FindingContext
from symbi_skills.text.lines import Lines

__all__ = ["ContextOf"]

_PROSE = (".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".html")
_DATA = (".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".xml", ".csv")


class ContextOf:
    """Answers for the lines of one file; Markdown is read once, when the first question comes."""

    def __init__(self, name: str, lines: Lines) -> None:
        self._name = name.lower()
        self._lines = lines
        self._marks: list[FindingContext] | None = None

    def __call__(self, number: int) -> FindingContext:
        """Return the context of a 0-based line."""
        if self._name.endswith(_DATA):
            return "data"
        if not self._name.endswith(_PROSE):
            return "script"
        if self._marks is None:
            self._marks = self._read()
        return self._marks[number] if number < len(self._marks) else "prose"

    def _read(self) -> list[FindingContext]:
        marks: list[FindingContext] = []
        fence = b""
        front = False
        for number in range(len(self._lines)):
            line = self._lines.line(number).strip()
            if number == 0 and line == b"---":
                front = True
            elif front and line == b"---":
                front = False
                marks.append("frontmatter")
                continue
            opening = line[:3] in (b"```", b"~~~")
            if front:
                marks.append("frontmatter")
            elif fence:
                marks.append("example")
                if line.startswith(fence) and not line.strip(fence[:1]):
                    fence = b""
            elif opening:
                fence = line[:3]
                marks.append("example")
            else:
                marks.append("prose")
        return marks
