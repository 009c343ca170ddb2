"""A path that climbs three levels or more."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

UP = r"(?:\.\.|%2e%2e|\.%2e|%2e\.|%252e%252e)"
SLASH = r"(?:[/\\]+|%2f|%5c|%252f|%255c)"

RULE = ScannerRule(
    id="path-traversal-deep",
    category="traversal",
    severity="medium",
    message="Climbs three or more directories up",
    check=Pattern(rf"{UP}{SLASH}{UP}{SLASH}{UP}(?:[^.\w]|$)"),
    bad=("cat ../../../etc/passwd", "../../..", "..\\..\\..\\windows", "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc"),
    good=("import x from '../../lib'", "../..", "and so on ... / ... / ..."),
    remediation="Name files from the root of the skill.",
    references=("https://cwe.mitre.org/data/definitions/22.html",),
    tags=("filesystem",),
)
