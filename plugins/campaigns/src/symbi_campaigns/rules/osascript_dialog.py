"""A dialog that looks like the system's and asks for the password."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="osascript-dialog",
    category="campaign",
    severity="high",
    message="Asks for a password in a dialog of its own",
    check=(
        Pattern(r"\bosascript\b.*\bdisplay\s+dialog\b.*(?:hidden\s+answer|password)"),
        Pattern(r"\bdisplay\s+dialog\b.*\bwith\s+hidden\s+answer\b"),
        Pattern(r"\bdscl\s+\S+\s+-?authonly\b"),
    ),
    bad=(
        'osascript -e \'display dialog "Enter your password" default answer "" with hidden answer\'',
        "dscl . authonly user pass",
    ),
    good=("osascript -e 'display notification \"done\"'", "display a dialog"),
    remediation="Never ask for a password.",
    references=("https://attack.mitre.org/techniques/T1056/002/",),
    tags=("secret",),
    default=False,
)
