"""SARIF 2.1.0: the report as code hosts and editors read it (OASIS SARIF 2.1.0)."""

from __future__ import annotations

from typing import Any

from symbi.contracts.review import AnalysisReport, Finding

__all__ = ["to_sarif"]

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(report: AnalysisReport, uri: str) -> dict[str, Any]:
    """One run with its rules, results, flows and suppressions; credentials stay masked as in the report."""
    from symbi_static.rules.catalogue import RULES

    used = sorted({finding.rule for finding in report.findings})
    rules = [
        {
            "id": name,
            "shortDescription": {"text": RULES[name].title},
            "help": {"text": RULES[name].recommendation},
            "properties": {"category": RULES[name].category, "tags": [RULES[name].cwe] if RULES[name].cwe else []},
        }
        for name in used
        if name in RULES
    ]
    driver = {"name": "symbi-static", "version": report.version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, uri) for finding in report.findings],
        "invocations": [{"executionSuccessful": report.complete}],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, uri: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.title}. {finding.description} {finding.recommendation}".strip()},
        "partialFingerprints": {"symbi/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity,
            "category": finding.category,
            "confidence": finding.confidence,
            "where": finding.where,
        },
    }
    if finding.line is not None:
        result["locations"] = [_location(uri, finding.line, finding.end_line)]
    steps = [step for step in finding.trace if step.line is not None]
    if steps:
        flow = [
            {"location": {**_location(uri, step.line, None), "message": {"text": step.description}}} for step in steps
        ]
        result["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
    if finding.suppressed:
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return result


def _location(uri: str, line: int | None, end: int | None) -> dict[str, Any]:
    region = {"startLine": max(1, line or 1)} | ({"endLine": max(line or 1, end)} if end else {})
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
