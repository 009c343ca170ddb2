"""Keeps the policies in force: loads, swaps, rolls back, and remembers what was in force when (POL-21)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.errors import NotFound
from symbi.contracts.policy_engines import PolicyEngine
from symbi.contracts.policy_sets import SURFACES, PolicyBundle, PolicyFinding, PolicyInvalid, PolicyReport
from symbi_policy.loader import ReadDirectory, read_directory

__all__ = ["LoadedSet", "PolicySets", "put_in_force"]

_log = logging.getLogger("symbi.policy")


class LoadedSet(msgspec.Struct, frozen=True, kw_only=True):
    """One set that is or was in force: when it came, by whom, and everything in it."""

    revision: str
    loaded_at: str
    author: str
    policies: int
    bundle: PolicyBundle
    files: tuple[dict[str, Any], ...] = ()


def put_in_force(engine: PolicyEngine, read: ReadDirectory) -> PolicyReport:
    """Parse what was read, once, and put it in force unless it or a file of it is bad; returns the whole report."""
    if any(each.severity == "error" for each in read.findings):
        return read.report(engine.check(read.bundle))
    try:
        return read.report(engine.reload(read.bundle))
    except PolicyInvalid as error:
        return read.report(error.report)


class PolicySets:
    """The policy directory and what of it is in force."""

    def __init__(
        self,
        engine: PolicyEngine,
        directory: Path,
        *,
        now: Callable[[], str],
        surfaces: tuple[str, ...] = (),
        suffixes: tuple[str, ...] = (".cedar", ".json"),
        strict: bool = False,
        public_key: Any = None,
        keep: int = 10,
    ) -> None:
        self.engine = engine
        self.directory = directory
        self.findings: tuple[PolicyFinding, ...] = ()
        self.actions: tuple[str, ...] = ()
        self.problem = "no policies have been loaded"
        self._now = now
        self._suffixes = suffixes
        self._strict = strict
        self._public_key = public_key
        self._surfaces = dict.fromkeys((*SURFACES, *surfaces))
        self._history: deque[LoadedSet] = deque(maxlen=max(keep, 1) + 1)
        self._lock = asyncio.Lock()

    @property
    def current(self) -> LoadedSet | None:
        """Return the set in force, None before the first."""
        return self._history[-1] if self._history else None

    def history(self) -> list[LoadedSet]:
        """Return the sets that were in force, newest first."""
        return list(reversed(self._history))

    def add_surface(self, name: str) -> bool:
        """Make a surface known; return whether it is new."""
        fresh = name not in self._surfaces
        self._surfaces[name] = None
        return fresh

    async def reload(self, *, author: str) -> PolicyReport:
        """Read the directory and put it in force, or raise `PolicyInvalid` and keep what is."""
        async with self._lock:
            read = await asyncio.to_thread(
                read_directory,
                self.directory,
                surfaces=tuple(self._surfaces),
                suffixes=self._suffixes,
                strict=self._strict,
                public_key=self._public_key,
            )
            return await asyncio.to_thread(self._put, read, author)

    async def rollback(self, revision: str | None, *, author: str) -> LoadedSet:
        """Put an earlier set in force again: the one before, or the one of that revision; raises `NotFound`."""
        async with self._lock:
            earlier = self.history()[1:]
            found = next((each for each in earlier if revision is None or each.revision.startswith(revision)), None)
            if found is None:
                known = ", ".join(each.revision for each in earlier) or "none"
                raise NotFound(f"no earlier set {revision or ''} is kept (kept: {known})")
            await asyncio.to_thread(self._put, ReadDirectory(bundle=found.bundle, files=found.files), author)
            _log.warning("policies rolled back to %s by %s", found.revision, author)
            return found

    def _put(self, read: ReadDirectory, author: str) -> PolicyReport:
        report = put_in_force(self.engine, read)
        self.findings = report.findings
        if not report.ok:
            first = next(each for each in report.findings if each.severity == "error")
            place = f"{first.path}{f':{first.line}' if first.line else ''}"
            self.problem = f"the policies are refused: {place}: {first.message}"
            raise PolicyInvalid(self.problem, report=report)
        if not read.exists:
            self.problem = f"there is no policy directory {self.directory}"
        elif not report.policies:
            self.problem = f"the policy directory {self.directory} holds no policies"
        else:
            self.problem = ""
        self.actions = report.actions
        entry = LoadedSet(
            revision=read.bundle.revision,
            loaded_at=self._now(),
            author=author,
            policies=len(report.policies),
            bundle=read.bundle,
            files=read.files,
        )
        if self.current is None or self.current.revision != entry.revision:
            self._history.append(entry)
        return report
