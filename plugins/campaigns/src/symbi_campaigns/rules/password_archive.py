"""An archive with a password, which no scanner can look into, and the password beside it."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="password-archive",
    category="campaign",
    severity="high",
    message="Tells the password of an archive, which keeps scanners out",
    check=(
        Pattern(
            r"\b(?:extract|unzip|unpack|archive|zip|rar|7z)\b.{0,120}\b(?:password|pass|pwd)\b\W{0,4}(?:is\W{0,3})?\s*[`\"']?[\w!@#$-]{3,}"
        ),
        Pattern(
            r"\b(?:unzip\s+(?:-\S+\s+)*-P|7z[az]?\s+x\s(?:.*\s)?-p|unrar\s+x\s(?:.*\s)?-p|zip\s+(?:-\S+\s+)*-P)\s*\S"
        ),
    ),
    bad=("Extract the zip with password: openclaw", "unzip -P secret tool.zip", "7z x -pinfected tool.7z"),
    good=("unzip tool.zip", "Reset your password here", "7z x tool.7z"),
    remediation="Ship files openly.",
    references=("https://attack.mitre.org/techniques/T1027/013/",),
    tags=("evasion",),
    default=False,
)
