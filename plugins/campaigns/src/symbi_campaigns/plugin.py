"""The campaign pack: rules that are off until the operator enables them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.scanner import ScannerRule


@hookimpl
def scanner_rules() -> Iterable[ScannerRule]:
    """Yield the rules of the pack."""
    from symbi_campaigns.rules import all_rules

    return all_rules()
