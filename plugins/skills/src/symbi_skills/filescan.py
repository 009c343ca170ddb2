"""One file: what kind it is, what is in it, what was found, and what could not be looked at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from symbi.contracts.scanner import Coverage, CoverageStatus, Finding, FindingContext, Severity
from symbi_skills.context import ContextOf
from symbi_skills.files.archives import Budget, members, pdf_text
from symbi_skills.files.kinds import kind_of, looks_like_python
from symbi_skills.files.pyc import same_as_source
from symbi_skills.meta import META
from symbi_skills.policy import ScanPolicy
from symbi_skills.ruleset import RuleSet
from symbi_skills.snippet import clean, snippet
from symbi_skills.text.encodings import Decoded, declared_encoding, decode
from symbi_skills.text.lines import Lines
from symbi_skills.text.unicode import confusable_words, foreign, hidden_characters
from symbi_skills.textscan import Hit, TextScan

__all__ = ["FileReport", "FileScanner", "meta_finding"]

_COMMAND_WORDS = {
    "curl",
    "wget",
    "bash",
    "sudo",
    "eval",
    "exec",
    "chmod",
    "base64",
    "python",
    "import",
    "http",
    "https",
    "ssh",
    "rm",
    "sh",
    "nc",
}
_MAX_TEXT_FINDINGS = 20


class FileReport(NamedTuple):
    """What one file gave; `texts` are kept for correlation when something was found."""

    findings: list[Finding]
    coverage: Coverage
    text: bytes


def meta_finding(
    rule: str,
    path: str,
    why: str = "",
    *,
    line: int | None = None,
    text: str = "",
    severity: Severity | None = None,
    context: FindingContext = "file",
) -> Finding:
    """Return a finding of the scanner itself."""
    meta = META[rule]
    message = f"{meta.message}: {clean(why)}" if why else meta.message
    return Finding(
        rule=rule, category=meta.category, severity=severity or meta.severity, message=message, path=path, line=line, snippet=snippet(text),
        plugin="skills", context=context, remediation=meta.remediation,
    )  # fmt: skip


class FileScanner:
    """Scans contents; never the disk."""

    def __init__(self, rules: RuleSet, policy: ScanPolicy) -> None:
        self._rules = rules
        self._policy = policy

    def scan(self, path: str, raw: bytes, *, source: bytes | None = None) -> FileReport:
        """Scan one file; `source` is the Python source beside a compiled one."""
        digest = hashlib.sha256(raw).hexdigest()
        findings: list[Finding] = []
        status, reason, encoding, text = self._content(
            path, raw, findings, Budget(self._policy.limits, len(raw)), 0, source
        )
        return FileReport(
            findings,
            Coverage(path=path, status=status, size=len(raw), sha256=digest, reason=reason, encoding=encoding),
            text,
        )

    def _content(
        self, path: str, raw: bytes, findings: list[Finding], budget: Budget, depth: int, source: bytes | None = None
    ) -> tuple[CoverageStatus, str, str, bytes]:
        kind, words = kind_of(raw[:512], path)
        if kind == "text":
            decoded = decode(raw)
            if decoded.binary:
                return self._binary(path, raw, findings, "binary data of no known kind")
            self._text(path, raw, decoded, findings, budget, depth)
            return "scanned", "", decoded.encoding, decoded.data if findings else b""
        if kind == "archive":
            return self._archive(path, raw, words, findings, budget, depth)
        if kind == "closed":
            findings.append(meta_finding("archive-unsafe", path, f"a {words} cannot be opened here"))
            return "skipped", words, "", b""
        if kind == "media":
            self._strings(path, raw, findings)
            return "data", words, "", b""
        if kind == "pdf":
            return self._pdf(path, raw, findings, budget)
        if kind == "pyc" and source is not None and same_as_source(raw, source):
            return "scanned", "compiled from the source beside it", "", b""
        return self._binary(path, raw, findings, words)

    def _binary(
        self, path: str, raw: bytes, findings: list[Finding], words: str
    ) -> tuple[CoverageStatus, str, str, bytes]:
        findings.append(meta_finding("opaque-binary", path, words))
        self._strings(path, raw, findings)
        return "partly", words, "binary", b""

    def _strings(self, path: str, raw: bytes, findings: list[Finding]) -> None:
        """Look at the readable parts of binary content; what is found there comes on top."""
        text = raw.replace(b"\0", b"\n").decode("utf-8", "replace").encode()
        scan = TextScan(self._rules, path, python=False)
        scan.scan(text)
        findings.extend(
            self._finding(hit, path, None, "strings in binary data")
            for hit in scan.hits.values()
            if len(hit.text.strip()) >= 8
        )

    def _pdf(
        self, path: str, raw: bytes, findings: list[Finding], budget: Budget
    ) -> tuple[CoverageStatus, str, str, bytes]:
        text, readable = pdf_text(raw, budget)
        self._strings(path, raw + b"\n" + text, findings)
        if not readable:
            findings.append(meta_finding("opaque-binary", path, "the PDF is encrypted or too large"))
        return ("scanned" if readable else "partly"), "text of a PDF", "", b""

    def _archive(
        self, path: str, raw: bytes, words: str, findings: list[Finding], budget: Budget, depth: int
    ) -> tuple[CoverageStatus, str, str, bytes]:
        if depth >= self._policy.limits.max_archive_depth:
            findings.append(meta_finding("archive-unsafe", path, f"more than {depth} archives within each other"))
            return "skipped", "nested too deep", "", b""
        complete = True
        for member in members(raw, words, budget):
            inner = f"{path}!{clean(member.name)}" if member.name else path
            if member.problem:
                findings.append(meta_finding(member.problem, inner, member.reason))
                complete = False
                continue
            content = member.content
            if member.name.endswith(".xml") and (b"<w:t" in content or b"<a:t" in content or b"<si>" in content):
                content = _document_text(content)
            self._content(inner, content, findings, budget, depth + 1)
        return ("scanned" if complete else "partly"), f"{words} archive", "", b""

    def _text(
        self, path: str, raw: bytes, decoded: Decoded, findings: list[Finding], budget: Budget, depth: int
    ) -> None:
        data = decoded.data
        python = looks_like_python(path, data[:100])
        scan = TextScan(
            self._rules,
            path,
            python=python or path.endswith((".md", ".markdown", ".ipynb")) or "." not in path.rsplit("/", 1)[-1],
        )
        scan.scan(data)
        if path.endswith(".ipynb"):
            self._notebook(scan, data)
        lines = Lines(data)
        context = ContextOf(path, lines)
        for hit in sorted(scan.hits.values(), key=lambda item: (item.line, item.rule)):
            findings.append(self._finding(hit, path, context, hit.made))
        if decoded.unusual:
            findings.append(meta_finding("unusual-encoding", path, decoded.unusual))
        if python and (name := declared_encoding(data)):
            self._declared(path, raw, name, findings)
        if not data.isascii() or decoded.unusual:
            self._characters(path, data, lines, context, findings)
        for line in scan.too_deep[:1]:
            findings.append(
                meta_finding(
                    "obfuscated-text", path, "encoded more than three times over", line=line + 1, context=context(line)
                )
            )
        for line in scan.comments:
            findings.append(
                meta_finding(
                    "suppression-comment",
                    path,
                    line=line + 1,
                    text=lines.line(line).decode("utf-8", "replace"),
                    context=context(line),
                )
            )
        for _, payload in scan.archives:
            inner: list[Finding] = []
            self._content(f"{path}!base64", payload.data, inner, budget, depth + 1)
            findings.extend(inner)
        if self._rules.detectors:
            self._detect(path, data, lines, context, findings)

    def _declared(self, path: str, raw: bytes, name: str, findings: list[Finding]) -> None:
        """A Python source may declare an encoding in which it says something else."""
        try:
            text = raw.decode(name, "replace")
        except (LookupError, ValueError, TypeError):
            text = ""
        findings.append(
            meta_finding(
                "unusual-encoding",
                path,
                f"the source declares {name}",
                severity="high" if not isinstance(text, str) or not text else "warning",
            )
        )
        if isinstance(text, str) and text:
            scan = TextScan(self._rules, path, python=True)
            scan.scan(text.encode("utf-8", "replace"))
            known = {(finding.rule, finding.line) for finding in findings}
            findings.extend(
                self._finding(hit, path, None, f"decoded as {name}")
                for hit in scan.hits.values()
                if (self._rules.rules[hit.rule].id, hit.line + 1) not in known
            )

    def _notebook(self, scan: TextScan, data: bytes) -> None:
        known = {rule for rule, _ in scan.hits}
        for source in _cells(data):
            cell = TextScan(self._rules, "cell.py", python=True)
            cell.scan(source.encode("utf-8", "replace"))
            for hit in cell.hits.values():
                if hit.rule not in known:
                    scan.hits[hit.rule, hit.line] = hit._replace(start=-1, end=-1, made="notebook cell")

    def _characters(self, path: str, data: bytes, lines: Lines, context: ContextOf, findings: list[Finding]) -> None:
        kinds = foreign(data)
        if not kinds.hidden and not kinds.imitating:
            return
        text = data.decode("utf-8", "replace")
        hidden = hidden_characters(text) if kinds.hidden else []
        for offset, codes in _one_per_line(text, hidden):
            findings.append(self._at("hidden-unicode", path, codes, text, offset, context))
        for offset, word, reading in (confusable_words(text) if kinds.imitating else [])[:_MAX_TEXT_FINDINGS]:
            severity: Severity | None = "high" if reading.lower() in _COMMAND_WORDS else None
            finding = self._at(
                "confusable-text", path, f"{word} reads {reading}", text, offset, context, severity=severity
            )
            findings.append(finding)

    def _at(
        self,
        rule: str,
        path: str,
        why: str,
        text: str,
        offset: int,
        context: ContextOf,
        *,
        severity: Severity | None = None,
    ) -> Finding:
        start = text.rfind("\n", 0, offset) + 1
        end = text.find("\n", offset)
        number = text.count("\n", 0, offset)
        return meta_finding(
            rule,
            path,
            why,
            line=number + 1,
            text=text[start : end if end >= 0 else len(text)][:400],
            severity=severity,
            context=context(number),
        )

    def _detect(self, path: str, data: bytes, lines: Lines, context: ContextOf, findings: list[Finding]) -> None:
        from symbi_skills.detectors import run_detectors

        for rule, number in run_detectors(self._rules, path, data.decode("utf-8", "replace")):
            hit = Hit(rule, min(max(number - 1, 0), len(lines) - 1), -1, -1, "", "")
            findings.append(
                self._finding(hit._replace(text=lines.line(hit.line).decode("utf-8", "replace")), path, context, "")
            )

    def _finding(self, hit: Hit, path: str, context: ContextOf | None, made: str) -> Finding:
        source = self._rules.sources[hit.rule]
        rule = source.rule
        where = context(hit.line) if context else "data"
        severity = rule.severity
        if self._policy.demote_examples and where == "example" and severity not in ("critical", "info"):
            severity = {"high": "medium", "medium": "warning", "warning": "info"}[severity]  # type: ignore[assignment]
        return Finding(
            rule=rule.id, category=rule.category, severity=severity, message=rule.message, path=path, line=hit.line + 1,
            column=hit.start + 1 if hit.start >= 0 else None, end_column=hit.end + 1 if hit.end >= 0 else None, snippet=snippet(hit.text),
            plugin=source.plugin, confidence="medium" if where in ("prose", "example") else "high", context=where,
            decoded_from=made or None, remediation=rule.remediation,
        )  # fmt: skip


def _one_per_line(text: str, hidden: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    last_line, count = -1, 0
    for offset, codes in hidden:
        line = text.count("\n", 0, offset) if count < _MAX_TEXT_FINDINGS else last_line
        if line != last_line:
            last_line = line
            count += 1
            yield offset, codes


def _cells(data: bytes) -> Iterator[str]:
    try:
        book = json.loads(data)
        cells = book.get("cells", [])
    except (ValueError, AttributeError, RecursionError):
        return
    for cell in cells if isinstance(cells, list) else []:
        source = cell.get("source", "") if isinstance(cell, dict) else ""
        yield "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else str(source)


def _document_text(content: bytes) -> bytes:
    """Return the words of a document's XML, a paragraph a line."""
    import html
    import re

    text = content.decode("utf-8", "replace")
    text = re.sub(r"</(?:w:p|a:p|si|row)>|<w:br/>", "\n", text)
    return html.unescape(re.sub(r"<[^<>]*>", "", text)).encode()
