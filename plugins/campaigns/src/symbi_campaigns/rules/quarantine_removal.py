"""The marks by which macOS checks a download are removed."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="quarantine-removal",
    category="campaign",
    severity="high",
    message="Takes the quarantine mark off a download, or turns Gatekeeper off",
    check=Pattern(
        r"\bxattr\s+(?:-\S+\s+)*-(?:\w*c\w*\b|\w*d\w*\s+com\.apple\.quarantine)|\bspctl\s+(?:--master-disable|--global-disable|--add)\b|\bcsrutil\s+disable\b"
    ),
    bad=("xattr -c tool", "xattr -rd com.apple.quarantine Tool.app", "sudo spctl --master-disable"),
    good=("xattr -l tool", "spctl --assess -v Tool.app", "csrutil status"),
    remediation="Sign and notarise what is shipped.",
    references=("https://attack.mitre.org/techniques/T1553/001/",),
    tags=("evasion",),
    default=False,
)
