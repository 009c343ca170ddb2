"""The skill scanner of Symbi: nothing is loaded that was not inspected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbi_skills.scanner import SkillScanner

__all__ = ["SkillScanner"]


def __getattr__(name: str) -> Any:
    if name == "SkillScanner":
        from symbi_skills.scanner import SkillScanner

        return SkillScanner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
