"""Things that are bad only together: download, make runnable, run; read credentials, send them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from symbi.contracts.scanner import Finding
from symbi_skills.filescan import meta_finding

__all__ = ["correlate"]

_SAVED = re.compile(
    r"(?:\bcurl\b.*?\s(?:-[A-Za-z#]*o|--output)[\s=]+|\bwget\b.*?\s(?:-[A-Za-z]*O|--output-document)[\s=]*)[\"']?(?P<name>[\w./~$-]+)"
    r"|\b(?:curl\s.*-[A-Za-z]*O\b|wget\s).*?https?://\S*/(?P<url>[\w.-]+)"
)
_SENDS = re.compile(
    r"\bcurl\b[^|;]*\s(?:-d|--data\S*|-F|--form|-T|--upload-file)[\s=]|\bwget\b.*--post-|\brequests\.(?:post|put)\s*\(|\burlopen\s*\([^)]*data"
    r"|\bfetch\s*\([^)]*method\W+POST|\bnc\s+\S+\s+\d+|/dev/tcp/|\bscp\s|webhook"
)


def correlate(findings: Sequence[Finding], texts: Mapping[str, bytes]) -> list[Finding]:
    """Return findings about combinations; `texts` holds the UTF-8 of files with findings."""
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    result = []
    executable = {name for path in texts for name in _made_executable(texts[path])} if texts else set()
    for path, found in by_path.items():
        rules = {finding.rule for finding in found}
        if path in texts and rules & {"downloader-curl-save", "downloader-wget-save"}:
            result.extend(_download_and_run(path, texts[path].decode("utf-8", "replace"), found, executable))
    result.extend(_exfiltration(findings, texts))
    return result


def _made_executable(text: bytes) -> set[str]:
    return {
        match.group(1).decode("utf-8", "replace").rsplit("/", 1)[-1]
        for match in re.finditer(rb"\bchmod\s+\S*\+\S*x\S*\s+[\"']?([\w./~$-]+)", text)
    }


def _download_and_run(path: str, text: str, found: list[Finding], executable: set[str]) -> list[Finding]:
    for match in _SAVED.finditer(text):
        target = match.group("name") or match.group("url") or ""
        name = target.rsplit("/", 1)[-1]
        if not name or name not in executable:
            continue
        after = text[match.end() :]
        runs = re.search(
            rf"(?:^|[;&|]\s*|\b(?:sudo|sh|bash|exec|nohup|env)\s+)[\"']?(?:[\w.~$/-]*/)?{re.escape(name)}(?=[\s\"';&|)]|$)",
            after,
            re.MULTILINE,
        )
        if runs:
            first = next(finding for finding in found if finding.rule.startswith("downloader-"))
            return [
                meta_finding("download-and-run", path, name, line=first.line, text=first.snippet, context=first.context)
            ]
    return []


def _exfiltration(findings: Sequence[Finding], texts: Mapping[str, bytes]) -> list[Finding]:
    readers = [finding for finding in findings if finding.category == "credential" and finding.context != "prose"]
    for reader in readers:
        text = texts.get(reader.path, b"").decode("utf-8", "replace")
        if text and _SENDS.search(text):
            return [
                meta_finding(
                    "credential-exfiltration",
                    reader.path,
                    reader.message,
                    line=reader.line,
                    text=reader.snippet,
                    context=reader.context,
                )
            ]
    return []
