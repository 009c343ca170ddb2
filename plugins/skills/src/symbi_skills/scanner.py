"""`SkillScanner`: skills in, findings out."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from symbi.contracts.errors import InvalidRequest, SymbiError
from symbi.contracts.scanner import Coverage, Finding, Pattern, ScannerRule, ScannerRuleSource, ScanResult
from symbi_skills.baseline import fingerprinted
from symbi_skills.collect import chosen, installed_rules
from symbi_skills.correlate import correlate
from symbi_skills.engines import engine as make_engine
from symbi_skills.executables import disallowed
from symbi_skills.files.tree import read_regular, walk
from symbi_skills.filescan import FileScanner, meta_finding
from symbi_skills.policy import ScanPolicy, check_severity
from symbi_skills.ruleset import RuleSet
from symbi_skills.snippet import clean

__all__ = ["CustomRule", "Progress", "ScanSeverity", "SkillScanner"]

CustomRule = tuple[str, str, str, str]
"""Name, expression, severity, message: the seed's way to bring a rule."""


class ScanSeverity(StrEnum):
    """The severities, for those who like names; each is its word."""

    Critical = "critical"
    High = "high"
    Medium = "medium"
    Warning = "warning"
    Info = "info"


class Progress(NamedTuple):
    """How far a scan is: the file at hand, and what was done before it."""

    file: str
    scanned: int
    skipped: int
    bytes: int


class _Item(NamedTuple):
    path: str
    content: bytes
    problem: str = ""
    reason: str = ""
    source: bytes | None = None


class SkillScanner:
    """Scans skills with the rules of all installed plugins, or with those given.

    `SkillScanner()` has every default rule. Nothing is executed, no link is followed out of a skill, nothing is sent. Raises `PluginError`
    naming rule and plugin for a rule that cannot work, `ConfigError` when no rule is installed.
    """

    def __init__(
        self,
        rules: Iterable[ScannerRuleSource] | None = None,
        *,
        policy: ScanPolicy | None = None,
        engine: str = "auto",
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy or ScanPolicy()
        self._sources = list(installed_rules() if rules is None else rules)
        self._engine = make_engine(engine)
        self._clock = clock
        self._today = today
        self._set: RuleSet | None = None
        self._policy_digest = self.policy.digest()
        self.rules_in_force()

    @classmethod
    def with_custom_rules(
        cls, custom: Iterable[CustomRule], *, policy: ScanPolicy | None = None, engine: str = "auto"
    ) -> SkillScanner:
        """Return a scanner with the installed rules and the given ones (seed, "Custom deny patterns")."""
        return cls([*installed_rules(), *(_custom(*rule) for rule in custom)], policy=policy, engine=engine)

    def add_custom_rule(self, name: str, regex: str, severity: str, message: str) -> None:
        """Add one rule beside the others; raises `PluginError` or `InvalidRequest` naming it when it cannot work."""
        self._sources.append(_custom(name, regex, severity, message))
        try:
            self._set = None
            self.rules_in_force()
        except Exception:
            self._sources.pop()
            self._set = None
            raise

    def rules_in_force(self) -> RuleSet:
        """Return the compiled rules."""
        if self._set is None:
            sources = chosen(self._sources, enabled=self.policy.enabled, disabled=self.policy.disabled)
            self._set = RuleSet(sources, self._engine)
            extra = [source for source in sources if source.plugin != "clawhavoc"]
            if extra:
                self._set.verify()
        return self._set

    def scan_content(self, text: str | bytes, name: str = "SKILL.md") -> ScanResult:
        """Scan one text as if it were a file of that name."""
        return self.scan_files(
            {name: text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text}, root=""
        )

    def scan_files(self, files: Mapping[str, bytes], *, root: str = "skill") -> ScanResult:
        """Scan contents by relative name."""
        prefix = f"{root}/" if root else ""
        return self._scan(root, (_Item(prefix + name, files[name]) for name in sorted(files)), None)

    def scan_skill(
        self, path: str | os.PathLike[str], *, progress: Callable[[Progress], None] | None = None
    ) -> ScanResult:
        """Scan one file, folder or archive; raises `InvalidRequest` when it is not there or not to be read."""
        root = str(path).rstrip("/") or "/"
        return self._scan(root, self._items(Path(path), root), progress)

    def _items(self, path: Path, root: str) -> Iterator[_Item]:
        limits = self.policy.limits
        if not path.exists():
            raise InvalidRequest(f"{root} does not exist", hint="name a file or a folder", details={"path": root})
        if not path.is_dir():
            content, problem, reason = read_regular(os.path.realpath(path), limit=limits.max_file_bytes)
            if problem == "unreadable" and path.is_file():
                raise InvalidRequest(
                    f"{root} cannot be read: {reason}", hint="check its permissions", details={"path": root}
                )
            yield _Item(root, content, problem, reason)
            return
        if not os.access(path, os.R_OK | os.X_OK):
            raise InvalidRequest(f"{root} cannot be read", hint="check its permissions", details={"path": root})
        for entry in walk(path, max_files=limits.max_files, max_depth=limits.max_depth, excludes=self.policy.excludes):
            name = f"{root}/{entry.name}" if root != "/" else f"/{entry.name}"
            if entry.problem or entry.inside:
                yield _Item(name, b"", entry.problem or "link", entry.reason)
                continue
            content, problem, reason = read_regular(entry.path, limit=limits.max_file_bytes)
            yield _Item(name, content, problem, reason, _source_of(entry.path) if entry.name.endswith(".pyc") else None)

    def _scan(self, root: str, items: Iterable[_Item], progress: Callable[[Progress], None] | None) -> ScanResult:
        run = _Run(self.rules_in_force(), self.policy, root, self._policy_digest)
        started = self._clock()
        for item in items:
            if progress is not None:
                progress(Progress(item.path, run.scanned, run.skipped, run.bytes))
            if not run.take(item, self._clock() - started):
                break
        return run.result((self._clock() - started) * 1000, self._today())


class _Run:
    """The state of one scan."""

    def __init__(self, rules: RuleSet, policy: ScanPolicy, root: str, policy_digest: str) -> None:
        self._rules = rules
        self._policy = policy
        self._root = root
        self._policy_digest = policy_digest
        self._files = FileScanner(rules, policy)
        self._findings: list[Finding] = []
        self._coverage: list[Coverage] = []
        self._texts: dict[str, bytes] = {}
        self._kept = 0
        self.scanned = self.skipped = self.bytes = 0

    def take(self, item: _Item, elapsed: float) -> bool:
        """Scan one item; False when a limit ends the scan."""
        limits = self._policy.limits
        if item.problem:
            self._skip(item)
            return True
        self.bytes += len(item.content)
        over = (
            f"more than {limits.max_total_bytes} bytes in all" if self.bytes > limits.max_total_bytes
            else f"longer than {limits.max_seconds:g} seconds" if elapsed > limits.max_seconds
            else f"more than {limits.max_findings} findings" if len(self._findings) > limits.max_findings
            else ""
        )  # fmt: skip
        if over:
            self._skip(_Item(item.path, b"", "over-limit", over))
            return False
        try:
            report = self._files.scan(item.path, item.content, source=item.source)
        except SymbiError:
            raise
        except Exception as error:  # whatever breaks on hostile content, the file was not inspected and must not pass
            logging.getLogger(__name__).warning("scanning %s failed", clean(item.path), exc_info=True)
            self._skip(_Item(item.path, b"", "unreadable", f"the scanner failed on it: {type(error).__name__}"))
            return True
        self.scanned += 1
        self._coverage.append(report.coverage)
        if report.findings:
            self._findings.extend(report.findings)
            if report.text and self._kept < 64 << 20:
                self._texts[item.path] = report.text
                self._kept += len(report.text)
        if self._policy.allowed_executables is not None and report.coverage.status == "scanned":
            self._findings.extend(
                disallowed(item.path, item.content.decode("utf-8", "replace"), self._policy.allowed_executables)
            )
        return True

    def _skip(self, item: _Item) -> None:
        self.skipped += 1
        self._coverage.append(Coverage(path=item.path, status="skipped", reason=item.reason))
        if item.problem != "link":
            self._findings.append(meta_finding(item.problem, item.path, item.reason))

    def result(self, duration_ms: float, now: float) -> ScanResult:
        """Sum up."""
        findings = [*self._findings, *correlate(self._findings, self._texts)]
        findings = fingerprinted([self._judged(finding) for finding in findings], root=self._root)
        findings = [self._excused(finding, now) for finding in findings]
        counts: dict[str, int] = {}
        for finding in findings:
            if not finding.suppressed and not finding.known:
                counts[finding.severity] = counts.get(finding.severity, 0) + 1
        digest = hashlib.sha256(
            "\n".join(f"{each.path}\0{each.sha256}" for each in self._coverage).encode()
        ).hexdigest()
        return ScanResult(
            passed=not self._policy.fails(findings), findings=tuple(findings), scanned_files=self.scanned, scanned_bytes=self.bytes,
            coverage=tuple(self._coverage), counts=counts, fail_on=self._policy.fail_on, ruleset_digest=self._rules.digest(),
            policy_digest=self._policy_digest, content_digest=digest, duration_ms=duration_ms,
        )  # fmt: skip

    def _judged(self, finding: Finding) -> Finding:
        severity = self._policy.severities.get(finding.rule)
        return (
            msgspec.structs.replace(finding, severity=severity)
            if severity and severity != finding.severity
            else finding
        )

    def _excused(self, finding: Finding, now: float) -> Finding:
        if finding.fingerprint in self._policy.baseline:
            finding = msgspec.structs.replace(finding, known=True)
        if not self._policy.suppressions:
            return finding
        from datetime import UTC, datetime

        today = datetime.fromtimestamp(now, UTC).date()
        sha256 = next((each.sha256 for each in self._coverage if each.path == finding.path.split("!", 1)[0]), "")
        for suppression in self._policy.suppressions:
            if suppression.covers(finding, root=self._root, sha256=sha256, today=today):
                return msgspec.structs.replace(
                    finding, suppressed=True, suppression=f"{suppression.reason} (until {suppression.expires})"
                )
        return finding


def _custom(name: str, regex: str, severity: str, message: str) -> ScannerRuleSource:
    try:
        rule = ScannerRule(
            id=name,
            category="custom",
            severity=check_severity(str(severity)),
            message=message or f"Matches {regex}",
            check=Pattern(regex, ignore_case=False),
            bad=(),
            good=(),
        )
    except ValueError as error:
        raise InvalidRequest(str(error), details={"rule": name}) from None
    return ScannerRuleSource(plugin="custom", rule=rule)


def _source_of(path: str) -> bytes | None:
    """Return the Python source that belongs to a compiled file, if it stands where Python would look."""
    folder, name = os.path.split(path)
    parent, cache = os.path.split(folder)
    stem = name.split(".", 1)[0] + ".py"
    source = os.path.join(parent, stem) if cache == "__pycache__" else os.path.join(folder, stem)
    content, problem, _ = read_regular(source, limit=4 << 20)
    return None if problem else content
