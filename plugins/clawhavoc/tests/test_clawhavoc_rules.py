"""The forty rules: ids, categories, severities and counts as specified (scanner.md section 1), and each rule's own proof."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import symbi_clawhavoc.plugin
from symbi.testing.scanner import ScannerRuleContract
from symbi_clawhavoc.rules import ORDER

COUNTS = {
    "original": 10,
    "reverse-shell": 7,
    "credential": 6,
    "exfiltration": 3,
    "injection": 4,
    "privilege": 5,
    "traversal": 2,
    "downloader": 3,
}
SEVERITIES = {"critical": 19, "high": 14, "medium": 5, "warning": 2}


class TestClawHavoc(ScannerRuleContract):
    """The contract of rules, over all forty."""

    plugin = symbi_clawhavoc.plugin


def test_there_are_forty_rules_in_eight_categories() -> None:
    """Requirement 1: exact counts by category and severity (seed, Skill Scanning)."""
    rules = list(symbi_clawhavoc.plugin.scanner_rules())
    assert len(rules) == 40
    assert Counter(rule.category for rule in rules) == COUNTS
    assert Counter(rule.severity for rule in rules) == SEVERITIES


def test_the_order_is_that_of_the_specification() -> None:
    """Findings of one line come in this order."""
    assert tuple(rule.id for rule in symbi_clawhavoc.plugin.scanner_rules()) == ORDER


def test_every_rule_says_what_to_do_and_where_to_read() -> None:
    """Requirement 1: remediation and references."""
    for rule in symbi_clawhavoc.plugin.scanner_rules():
        assert rule.remediation.endswith((".", "`."))
        assert rule.references or rule.tags in (("secret",), ("identity",)), rule.id


def test_the_documentation_holds_every_rule() -> None:
    """The table of the page is made from the declarations."""
    page = Path(__file__).parents[3] / "docs" / "plugins" / "clawhavoc.md"
    text = page.read_text(encoding="utf-8")
    for rule in symbi_clawhavoc.plugin.scanner_rules():
        assert f"| `{rule.id}` | {rule.category} | {rule.severity} | {rule.message} |" in text, rule.id
