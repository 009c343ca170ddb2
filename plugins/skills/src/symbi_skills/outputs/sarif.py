"""SARIF 2.1.0 (OASIS), for code scanning of hosts and editors."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from symbi.contracts.scanner import Finding, ScannerRuleSource, ScanResult
from symbi_skills.meta import META

__all__ = ["as_sarif"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "warning": "warning", "info": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "warning": "3.0", "info": "1.0"}


def as_sarif(result: ScanResult, sources: tuple[ScannerRuleSource, ...], *, version: str) -> dict[str, Any]:
    """Return the log: one run, all rules described, suppressed results with their justification."""
    rules = [
        _rule(source.rule.id, source.rule.message, source.rule.severity, source.rule.remediation, source.plugin)
        for source in sources
    ]
    rules += [_rule(meta.id, meta.message, meta.severity, meta.remediation, "skills") for meta in META.values()]
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "symbi-scan",
                        "semanticVersion": version,
                        "rules": rules,
                    }
                },
                "columnKind": "unicodeCodePoints",
                "automationDetails": {"id": "symbi-scan/"},
                "properties": {
                    "passed": result.passed,
                    "rulesetDigest": result.ruleset_digest,
                    "contentDigest": result.content_digest,
                },
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            _notification(each.path, each.reason)
                            for each in result.coverage
                            if each.status in ("skipped", "partly")
                        ],
                    }
                ],
                "results": [_result(finding, index) for finding in result.findings],
            }
        ],
    }


def _rule(name: str, message: str, severity: str, remediation: str, plugin: str) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": message},
        "help": {"text": remediation or message},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"security-severity": _SCORES[severity], "tags": ["security"], "plugin": plugin},
    }


def _notification(path: str, reason: str) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": reason or "not inspected"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(path)}}}],
    }


def _uri(path: str) -> str:
    plain = PurePath(path).as_posix().removeprefix("./")
    return f"file://{quote(plain)}" if plain.startswith("/") else quote(plain)


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.path)}}
    if finding.line is not None:
        region: dict[str, Any] = {"startLine": finding.line}
        if finding.column is not None and finding.end_column is not None:
            region |= {"startColumn": finding.column, "endColumn": max(finding.end_column, finding.column)}
        if finding.snippet:
            region["snippet"] = {"text": finding.snippet}
        location["region"] = region
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message + (f" (found in {finding.decoded_from})" if finding.decoded_from else "")},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"symbiFinding/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity,
            "category": finding.category,
            "confidence": finding.confidence,
            "context": finding.context,
        },
    }
    if finding.rule in index:
        result["ruleIndex"] = index[finding.rule]
    if finding.known:
        result["baselineState"] = "unchanged"
    if finding.suppressed:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding.suppression}]
    return result
