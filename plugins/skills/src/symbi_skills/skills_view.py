"""Skills as a listing shows them."""

from __future__ import annotations

from typing import Any

from symbi.contracts.errors import SymbiError
from symbi_skills.loader import SkillLoader
from symbi_skills.skill import read_skill

__all__ = ["listed"]


def listed(loader: SkillLoader) -> list[dict[str, Any]]:
    """Return name, description, path and verdict of every skill; a broken one says why."""
    result = []
    for folder in loader.folders():
        files, scan = loader.read(folder)
        entry: dict[str, Any] = {
            "name": folder.name,
            "path": str(folder),
            "description": "",
            "passed": scan.passed,
            "findings": len(scan.findings),
            "error": None,
        }
        try:
            entry["description"] = read_skill(files.get("SKILL.md", b""), folder=folder.name).description
        except SymbiError as error:
            entry["error"] = error.message
        result.append(entry)
    return result
