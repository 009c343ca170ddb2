"""Loading skills: the bytes that were scanned are the bytes that are given; what fails is refused."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from symbi.contracts.errors import Forbidden, InvalidRequest, NotFound
from symbi.contracts.scanner import ScanResult
from symbi_skills.files.tree import read_regular, walk
from symbi_skills.scanner import SkillScanner
from symbi_skills.skill import Skill, read_skill

__all__ = ["LoadedSkill", "SkillLoader"]

_MAX_CACHED = 256


class LoadedSkill(msgspec.Struct, frozen=True, kw_only=True):
    """A skill that passed: what it says, its files as they were scanned, and the result."""

    skill: Skill
    path: str
    files: dict[str, bytes]
    result: ScanResult
    digest: str


class SkillLoader:
    """Loads from folders of skills; results are kept by content, rules and policy, and made anew when one of them changes."""

    def __init__(self, scanner: SkillScanner, paths: tuple[Path, ...], *, quarantine: Path | None = None) -> None:
        self._scanner = scanner
        self._paths = paths
        self._quarantine = quarantine
        self._cache: OrderedDict[str, ScanResult] = OrderedDict()

    def folders(self) -> Iterator[Path]:
        """Yield the folders that hold a SKILL.md, in order; of two with one name the first counts."""
        seen: set[str] = set()
        for base in self._paths:
            try:
                entries = sorted(os.scandir(base), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if (
                    entry.is_dir(follow_symlinks=False)
                    and entry.name not in seen
                    and os.path.isfile(os.path.join(entry.path, "SKILL.md"))
                ):
                    seen.add(entry.name)
                    yield Path(entry.path)

    def find(self, name: str) -> Path:
        """Return the folder of a skill; raises `NotFound`."""
        for folder in self.folders():
            if folder.name == name:
                return folder
        raise NotFound(f"no skill {name!r} in {', '.join(map(str, self._paths))}", hint="symbi skills list")

    def read(self, folder: Path) -> tuple[dict[str, bytes], ScanResult]:
        """Return the files of a skill and the result of scanning exactly them."""
        files: dict[str, bytes] = {}
        clean = True
        limits = self._scanner.policy.limits
        for entry in walk(
            folder, max_files=limits.max_files, max_depth=limits.max_depth, excludes=self._scanner.policy.excludes
        ):
            content, problem, _ = (
                (b"", entry.problem, "") if entry.problem else read_regular(entry.path, limit=limits.max_file_bytes)
            )
            if entry.inside:
                continue
            clean = clean and not problem
            files[entry.name] = content
        if not clean:
            return files, self._scanner.scan_skill(folder)
        return files, self._scanned(folder.name, files)

    def load(self, folder: Path) -> LoadedSkill:
        """Return the skill in `folder`; raises `Forbidden` when its scan fails, `InvalidRequest` when it is none."""
        files, result = self.read(folder)
        if "SKILL.md" not in files:
            raise InvalidRequest(f"{folder} holds no SKILL.md", hint="a skill is a folder with a SKILL.md")
        if not result.passed:
            self._keep_record(folder, result)
            worst = next(finding for finding in result.findings if not finding.suppressed and not finding.known)
            raise Forbidden(
                f"skill {folder.name!r} is refused: {len(result.findings)} finding(s), first {worst.rule} in {worst.path}",
                code="SKILL_REFUSED",
                hint=f"symbi scan {folder}",
                details={
                    "findings": [
                        {"rule": each.rule, "severity": each.severity, "path": each.path, "line": each.line}
                        for each in result.findings[:100]
                    ]
                },
            )
        return LoadedSkill(
            skill=read_skill(files["SKILL.md"], folder=folder.name),
            path=str(folder),
            files=files,
            result=result,
            digest=_digest(files),
        )

    def _scanned(self, root: str, files: Mapping[str, bytes]) -> ScanResult:
        key = f"{root}:{_digest(files)}:{self._scanner.rules_in_force().digest()}:{self._scanner.policy.digest()}"
        result = self._cache.get(key)
        if result is None:
            result = self._cache[key] = self._scanner.scan_files(files, root=root)
            if len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        return result

    def _keep_record(self, folder: Path, result: ScanResult) -> None:
        if self._quarantine is None:
            return
        self._quarantine.mkdir(mode=0o700, parents=True, exist_ok=True)
        from symbi_skills.outputs.json_output import as_document

        record = self._quarantine / f"{folder.name}-{result.content_digest[:16]}.json"
        record.write_bytes(msgspec.json.encode({"skill": str(folder), **as_document(result, ledger=True)}))


def _digest(files: Mapping[str, bytes]) -> str:
    """Return a digest of names and contents, each with its length, so that no two skills share one."""
    total = hashlib.sha256()
    for name in sorted(files):
        encoded = name.encode("utf-8", "surrogatepass")
        total.update(len(encoded).to_bytes(8, "big") + encoded + len(files[name]).to_bytes(8, "big") + files[name])
    return total.hexdigest()
