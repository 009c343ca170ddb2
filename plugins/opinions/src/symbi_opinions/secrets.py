"""detect-secrets as a second opinion on credentials, its allow-list pragma filtered out; no value ever leaves the child."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import msgspec

from symbi.contracts.errors import Unavailable
from symbi.contracts.review import AnalysisReport, Finding, Submission
from symbi_opinions.config import OpinionsConfig
from symbi_opinions.scratch import run_scanner

__all__ = ["SecretsAnalyzer", "open_secrets"]

_SCAN = """
import json, sys
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings
from detect_secrets.settings import get_settings
with default_settings():
    for name in [n for n in get_settings().filters if "allowlist" in n]:
        get_settings().filters.pop(name)
    found = [{"kind": s.type, "line": s.line_number, "hash": s.secret_hash} for s in scan_file(sys.argv[1])]
print(json.dumps(found))
"""
_WEAK = ("Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword")


class SecretsAnalyzer:
    """`ReviewAnalyzer` over detect-secrets."""

    def __init__(self, config: OpinionsConfig) -> None:
        self._config = config

    async def analyze(self, submission: Submission) -> AnalysisReport:
        """See `ReviewAnalyzer.analyze`."""
        name, number = "detect-secrets", version("detect-secrets")
        if not submission.source_code.strip():
            return AnalysisReport(analyzer=name, version=number)
        ending = {"javascript": "js", "typescript": "ts"}.get(submission.language, "py")
        out = await run_scanner(
            lambda file: ["-c", _SCAN, file],
            submission.source_code,
            ending=ending,
            deadline=self._config.deadline_seconds,
            good=(0,),
        )
        try:
            rows = msgspec.json.decode(out)
            findings = tuple(_finding(str(row["kind"]), int(row["line"]), str(row["hash"])) for row in rows)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"the answer of detect-secrets cannot be read: {type(error).__name__}") from None
        return AnalysisReport(analyzer=name, version=number, findings=findings)


def _finding(kind: str, line: int, digest: str) -> Finding:
    weak = kind in _WEAK
    return Finding(
        rule="detect-secrets-" + kind.lower().replace(" ", "-"),
        category="secret_exposure",
        severity="low" if weak else "high",
        title=kind,
        description=f"Looks like: {kind}.",
        recommendation="Revoke it and read it from a declared environment variable.",
        confidence=0.5 if weak else 0.8,
        line=line,
        end_line=line,
        cwe="CWE-798",
        fingerprint=hashlib.sha256(f"{kind}|{digest}".encode()).hexdigest()[:24],
        analyzer="detect-secrets",
    )


@asynccontextmanager
async def open_secrets(config: OpinionsConfig, context: Any) -> AsyncIterator[SecretsAnalyzer]:
    """Open the analyzer."""
    yield SecretsAnalyzer(config)
