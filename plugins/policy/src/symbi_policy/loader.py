"""Reads a policy directory: shared files, and one folder for each surface (POL-20, POL-21, POL-22)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.policy_sets import SURFACES, PolicyBundle, PolicyFinding, PolicyReport, PolicySource
from symbi_policy.hidden_text import hidden_characters
from symbi_policy.signature import SIGNATURE_FILE, check_signature

__all__ = ["ReadDirectory", "read_directory"]

MAX_BYTES = 2_000_000
MAX_FILES = 2_000
IGNORED = frozenset({"tests", "__pycache__"})
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a JSON policy file; an inactive one is skipped."""

    name: str
    source: str
    active: bool = True


class ReadDirectory(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: the bundle, what was wrong with files and folders, and each file for the record."""

    bundle: PolicyBundle
    findings: tuple[PolicyFinding, ...] = ()
    files: tuple[dict[str, str | int], ...] = ()
    exists: bool = True

    def report(self, checked: PolicyReport) -> PolicyReport:
        """Return the engine's report with the findings about files before its own."""
        return msgspec.structs.replace(checked, findings=self.findings + checked.findings)


def read_directory(
    directory: Path,
    *,
    surfaces: Iterable[str] = SURFACES,
    suffixes: Iterable[str] = (".cedar", ".json"),
    strict: bool = False,
    public_key: Any = None,
) -> ReadDirectory:
    """Read every policy file below the directory; one that cannot be read is an error, never skipped.

    With `public_key` what was read must be signed with its private half.
    """
    known = tuple(surfaces)
    if not directory.is_dir():
        return ReadDirectory(bundle=PolicyBundle(surfaces=known), exists=False)
    findings: list[PolicyFinding] = []
    sources: list[PolicySource] = []
    files: list[dict[str, str | int]] = []
    for layer, path in _files(directory, known, tuple(suffixes), strict, findings):
        shown = f"{layer}/{path.name}" if layer else path.name
        data = _bytes(path, shown, findings)
        read = list(_sources(path, data, layer, shown, findings)) if data is not None else []
        files.append(
            {"path": shown, "layer": layer, "sha256": hashlib.sha256(data or b"").hexdigest(), "texts": len(read)}
        )
        for source in read:
            findings += hidden_characters(source)
            sources.append(source)
    if public_key is not None and (problem := check_signature(directory, files, public_key)):
        findings.append(_error("signature", problem, SIGNATURE_FILE))
    bundle = PolicyBundle(sources=tuple(sources), revision=_revision(sources), surfaces=known)
    return ReadDirectory(bundle=bundle, findings=tuple(findings), files=tuple(files))


def _files(
    directory: Path, surfaces: tuple[str, ...], suffixes: tuple[str, ...], strict: bool, findings: list[PolicyFinding]
) -> Iterator[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    try:
        for entry in sorted(directory.iterdir()):
            if entry.name.startswith(".") or entry.name in IGNORED:
                continue
            if entry.is_dir():
                found += _layer(entry, surfaces, suffixes, strict, findings)
            elif entry.suffix in suffixes:
                found.append(("", entry))
    except OSError as error:
        findings.append(_error("unreadable", f"cannot be read: {error.strerror}", error.filename or str(directory)))
    if len(found) > MAX_FILES:
        findings.append(_error("too-many", f"more than {MAX_FILES} policy files", str(directory)))
        return
    yield from found


def _layer(
    folder: Path, surfaces: tuple[str, ...], suffixes: tuple[str, ...], strict: bool, findings: list[PolicyFinding]
) -> list[tuple[str, Path]]:
    files = [each for each in sorted(folder.iterdir()) if each.suffix in suffixes and not each.name.startswith(".")]
    if folder.name in surfaces and _PLAIN.fullmatch(folder.name):
        return [(folder.name, each) for each in files]
    if files:
        message = f"no surface is called {folder.name!r}, so these policies are loaded by nothing"
        findings.append(
            PolicyFinding(
                severity="error" if strict else "warning", code="unknown-surface", message=message, path=folder.name
            )
        )
    return []


def _bytes(path: Path, shown: str, findings: list[PolicyFinding]) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        findings.append(_error("unreadable", f"cannot be read: {error.strerror}", shown))
        return None
    if len(data) > MAX_BYTES:
        findings.append(_error("too-large", f"is larger than {MAX_BYTES} bytes", shown))
        return None
    return data


def _sources(path: Path, data: bytes, layer: str, shown: str, findings: list[PolicyFinding]) -> Iterator[PolicySource]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        findings.append(_error("not-utf8", f"is not UTF-8 at byte {error.start}", shown))
        return
    if not text.lstrip().startswith("["):
        if path.suffix == ".json":
            findings.append(_error("bad-entries", "is no list of {name, source, active}", shown))
            return
        yield PolicySource(name=path.stem, text=text, path=shown, layer=layer)
        return
    try:
        entries = msgspec.json.decode(text, type=list[Entry])
    except msgspec.MsgspecError as error:
        findings.append(_error("bad-entries", f"is no list of {{name, source, active}}: {error}", shown))
        return
    for entry in entries:
        if entry.active:
            yield PolicySource(name=entry.name, text=entry.source, path=f"{shown}#{entry.name}", layer=layer)


def _error(code: str, message: str, path: str) -> PolicyFinding:
    return PolicyFinding(severity="error", code=code, message=message, path=path)


def _revision(sources: Iterable[PolicySource]) -> str:
    ordered = sorted((each.layer, each.path, each.name, each.text) for each in sources)
    return hashlib.sha256(msgspec.json.encode(ordered)).hexdigest()[:16]
