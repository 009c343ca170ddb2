"""The ClawHavoc pack: forty rules, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.scanner import ScannerRule


@hookimpl
def scanner_rules() -> Iterable[ScannerRule]:
    """Yield the forty rules."""
    from symbi_clawhavoc.rules import all_rules

    return all_rules()
