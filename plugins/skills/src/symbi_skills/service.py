"""The scanner as a service of the runtime; work is done in a thread, so that the loop stays free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from symbi.contracts.errors import Unavailable
from symbi.contracts.health import Health, healthy, unhealthy
from symbi.contracts.scanner import ScannerRuleSource, ScanResult
from symbi_skills.config import SkillsConfig

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_skills.loader import LoadedSkill, SkillLoader
    from symbi_skills.scanner import SkillScanner

__all__ = ["SkillService", "open_scanner"]


class SkillService:
    """Implements `SkillScannerService`; the scanner is made on first use, rules and engine with it."""

    def __init__(self, config: SkillsConfig, context: PluginContext) -> None:
        self.config = config
        self._context = context
        self._scanner: SkillScanner | None = None
        self._loader: SkillLoader | None = None
        self._lock = asyncio.Lock()

    async def scan_path(self, path: Path, /) -> ScanResult:
        """Scan one file, folder or archive of this machine."""
        scanner = await self.scanner()
        return await asyncio.to_thread(scanner.scan_skill, path)

    async def scan_files(self, files: Mapping[str, bytes], /, *, root: str = "skill") -> ScanResult:
        """Scan contents by relative name."""
        scanner = await self.scanner()
        return await asyncio.to_thread(scanner.scan_files, files, root=root)

    def rules(self) -> Sequence[ScannerRuleSource]:
        """Return the rules in force."""
        return self._made().rules_in_force().sources

    async def load_skill(self, path: Path) -> LoadedSkill:
        """Return the skill in a folder, scanned as it is loaded; raises `Forbidden` when it fails."""
        await self.scanner()
        return await asyncio.to_thread(self.loader().load, path)

    async def scanner(self) -> SkillScanner:
        """Return the scanner, made once, off the loop."""
        async with self._lock:
            if self._scanner is None:
                await asyncio.to_thread(self._made)
            return self._made()

    def loader(self) -> SkillLoader:
        """Return the loader over the configured folders."""
        if self._loader is None:
            from symbi_skills.loader import SkillLoader

            folder = self._context.settings.folder
            paths = tuple(folder / Path(path).expanduser() for path in self.config.paths)
            quarantine = folder / self.config.quarantine if self.config.quarantine else None
            self._loader = SkillLoader(self._made(), paths, quarantine=quarantine)
        return self._loader

    def _made(self) -> SkillScanner:
        if self._scanner is None:
            from symbi.kernel.points import SCANNER_RULES
            from symbi_skills.collect import as_sources
            from symbi_skills.scanner import SkillScanner

            refused = self._context.faults(SCANNER_RULES)
            if refused:
                raise Unavailable(
                    f"a scanner rule was refused, so nothing is passed: {'; '.join(refused)}",
                    hint="symbi plugins doctor",
                )
            folder = self._context.settings.folder
            sources = [*as_sources(self._context.offers(SCANNER_RULES)), *self.config.pack_rules(folder)]
            clock = self._context.clock
            self._scanner = SkillScanner(
                sources,
                policy=self.config.policy(folder),
                engine=self.config.engine,
                clock=clock.monotonic,
                today=lambda: clock.now().timestamp(),
            )
        return self._scanner

    async def health(self) -> Health:
        """Say whether the rules compile, and how many there are."""
        try:
            scanner = await self.scanner()
        except Exception as error:  # whatever is wrong with the rules is what the operator has to read
            return unhealthy(str(error), remedy="symbi rules; symbi plugins doctor")
        rules = scanner.rules_in_force()
        return healthy(f"{len(rules.sources)} rules on engine {rules.engine}", rules=len(rules.sources))


@asynccontextmanager
async def open_scanner(config: SkillsConfig, context: PluginContext) -> AsyncIterator[SkillService]:
    """Open the service; the settings are checked here, the rules compile on first use."""
    config.policy(context.settings.folder)
    yield SkillService(config, context)
