"""The labelled corpus (requirement 2): every text with a finding is found, every near-miss and every honest text is quiet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from clawhavoc_corpus import CASES, CLEAN, DISGUISES

from symbi.contracts.scanner import SkillScannerService
from symbi.testing.kernels import open_kernel

pytest.importorskip("symbi_skills")
ENGINES = ("re2", "python")


@asynccontextmanager
async def scanner(folder: Path, engine: str) -> AsyncIterator[SkillScannerService]:
    tables = {"plugins": {"skills": {"engine": engine}}}
    async with open_kernel(folder, ["symbi_clawhavoc.plugin", "symbi_skills.plugin"], tables=tables) as kernel:
        yield kernel.services.get(SkillScannerService)


async def rules_found(service: SkillScannerService, name: str, text: str) -> set[str]:
    result = await service.scan_files({name: text.encode()}, root="")
    return {finding.rule for finding in result.findings}


def test_the_corpus_is_large_enough() -> None:
    assert sum(len(bad) + len(good) for bad, good in CASES.values()) + len(DISGUISES) + len(CLEAN) >= 300
    assert len(CASES) == 40


@pytest.mark.parametrize("engine", ENGINES)
async def test_cases_are_found_and_near_misses_are_not(tmp_path: Path, engine: str) -> None:
    wrong = []
    async with scanner(tmp_path, engine) as service:
        for rule, (bad, good) in CASES.items():
            wrong += [
                f"missed {rule}: {text!r}" for text in bad if rule not in await rules_found(service, "case.txt", text)
            ]
            wrong += [
                f"false {rule}: {text!r}" for text in good if rule in await rules_found(service, "case.txt", text)
            ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("engine", ENGINES)
async def test_disguises_do_not_help(tmp_path: Path, engine: str) -> None:
    async with scanner(tmp_path, engine) as service:
        missed = [
            trick
            for trick, (name, text) in DISGUISES.items()
            if "pipe-to-shell" not in await rules_found(service, name, text)
        ]
    assert not missed


async def test_honest_texts_are_clean(tmp_path: Path) -> None:
    """Requirement 6: bilingual prose, emoji, joiners, marks and hashes give no finding at all."""
    async with scanner(tmp_path, "re2") as service:
        noisy = {
            name: found for name, (file, text) in CLEAN.items() if (found := await rules_found(service, file, text))
        }
    assert not noisy
