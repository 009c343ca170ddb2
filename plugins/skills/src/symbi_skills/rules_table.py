"""The rule table of the documentation, made from the declarations: `python -m symbi_skills.rules_table clawhavoc`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from symbi.contracts.scanner import ScannerRule

__all__ = ["markdown_table"]


def markdown_table(rules: Iterable[ScannerRule]) -> str:
    """Return a Markdown table: id, severity, what it finds, one example each way."""
    lines = ["| rule | category | severity | finds | bad | good |", "| --- | --- | --- | --- | --- | --- |"]
    for rule in rules:
        bad, good = (_code(texts[0]) if texts else "" for texts in (rule.bad, rule.good))
        lines.append(f"| `{rule.id}` | {rule.category} | {rule.severity} | {rule.message} | {bad} | {good} |")
    return "\n".join(lines)


def _code(text: str) -> str:
    line = text.replace("\n", " ⏎ ").replace("|", "\\|")
    fence = "``" if "`" in line else "`"
    return f"{fence} {line} {fence}" if fence == "``" else f"`{line}`"


if __name__ == "__main__":
    from symbi_skills.collect import installed_rules

    print(markdown_table(source.rule for source in installed_rules() if source.plugin in sys.argv[1:]))
