"""bandit as a second opinion on Python (always `--ignore-nosec`; toolreview.md §2.4)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import msgspec

from symbi.contracts.errors import Unavailable
from symbi.contracts.review import AnalysisReport, Finding, Severity, Submission
from symbi_opinions.config import OpinionsConfig
from symbi_opinions.scratch import run_scanner

__all__ = ["BanditAnalyzer", "open_bandit"]

_CATEGORIES = {
    "B102": "code_injection", "B301": "deserialization", "B302": "deserialization", "B307": "code_injection", "B310": "ssrf", "B501": "insecure_transport",  # noqa: E501  # one list, one place
    "B506": "deserialization", "B602": "command_injection", "B604": "command_injection", "B605": "command_injection", "B608": "sql_injection", "B701": "xss",  # noqa: E501  # one list, one place
    "B105": "secret_exposure", "B106": "secret_exposure", "B107": "secret_exposure", "B202": "path_traversal", "B614": "deserialization", "B501a": "insecure_transport",  # noqa: E501  # one list, one place
}  # fmt: skip
_LEVELS: dict[str, Severity] = {"HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
_SURE = {"HIGH": 0.8, "MEDIUM": 0.65, "LOW": 0.4}


class BanditAnalyzer:
    """`ReviewAnalyzer` over bandit's command line; what is not Python it leaves to others."""

    def __init__(self, config: OpinionsConfig) -> None:
        self._config = config

    async def analyze(self, submission: Submission) -> AnalysisReport:
        """See `ReviewAnalyzer.analyze`."""
        name, number = "bandit", version("bandit")
        if submission.language not in ("", "python") or not submission.source_code.strip():
            return AnalysisReport(analyzer=name, version=number)
        out = await run_scanner(
            lambda file: ["-m", "bandit", "--format", "json", "--ignore-nosec", "--quiet", "--exit-zero", file],
            submission.source_code,
            ending="py",
            deadline=self._config.deadline_seconds,
            good=(0, 1),
        )
        try:
            answer = msgspec.json.decode(out)
            findings = tuple(_finding(item) for item in answer["results"])
            skipped = bool(answer["errors"])
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise Unavailable(f"bandit's answer cannot be read: {type(error).__name__}") from None
        complete = not skipped or submission.language == ""
        return AnalysisReport(analyzer=name, version=number, findings=findings, complete=complete)


def _finding(item: dict[str, Any]) -> Finding:
    code = str(item["test_id"])
    cwe = (item.get("issue_cwe") or {}).get("id")
    seed = f"{code}|{str(item.get('code', '')).split(' ', 1)[-1].strip()}"
    return Finding(
        rule=f"bandit-{code}",
        category=_CATEGORIES.get(
            code,
            "resource_abuse"
            if code == "B404"
            else "command_injection"
            if code.startswith("B6")
            else "insecure_transport"
            if code.startswith("B5")
            else "code_injection",
        ),
        severity=_LEVELS.get(item["issue_severity"], "low"),
        title=str(item["test_name"]).replace("_", " "),
        description=str(item["issue_text"]),
        recommendation=f"See bandit's {code}.",
        confidence=_SURE.get(item["issue_confidence"], 0.4),
        line=int(item["line_number"]),
        end_line=max(item.get("line_range") or [int(item["line_number"])]),
        cwe=f"CWE-{cwe}" if cwe else "",
        fingerprint=hashlib.sha256(seed.encode()).hexdigest()[:24],
        analyzer="bandit",
    )


@asynccontextmanager
async def open_bandit(config: OpinionsConfig, context: Any) -> AsyncIterator[BanditAnalyzer]:
    """Open the analyzer."""
    yield BanditAnalyzer(config)
