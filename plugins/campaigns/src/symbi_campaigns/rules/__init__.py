"""One module a rule, in the order of a campaign: lure, download, evasion, persistence, theft."""

from __future__ import annotations

from importlib import import_module

from symbi.contracts.scanner import ScannerRule

__all__ = ["ORDER", "all_rules"]

ORDER = (
    "fake-prerequisite",
    "password-archive",
    "paste-site",
    "raw-ip-download",
    "powershell-download-run",
    "windows-download-tool",
    "quarantine-removal",
    "osascript-dialog",
    "persistence-launch-agent",
    "persistence-cron",
    "persistence-shell-profile",
    "crypto-wallet",
    "cloud-metadata",
)


def all_rules() -> list[ScannerRule]:
    """Return the rules in order."""
    return [import_module(f"{__name__}.{rule.replace('-', '_')}").RULE for rule in ORDER]
