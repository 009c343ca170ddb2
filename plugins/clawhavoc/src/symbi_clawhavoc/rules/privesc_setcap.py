"""A program is given capabilities of root."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="privesc-setcap",
    category="privilege",
    severity="high",
    message="Gives a program capabilities of root",
    check=Pattern(r"""(?:^|[^\w.-])setcap\s+["']?(?:-|cap_|all\b|=|\$|/|\S+[+=]\S*[eip])"""),
    bad=("setcap cap_setuid+ep /usr/bin/python3", "sudo setcap 'cap_net_raw=ep' x", "setcap all=eip x"),
    good=("getcap -r /", "setcapacity 10", "presetcap x", "the setcap command"),
    remediation="Ask the operator for the one right that is needed.",
    references=("https://attack.mitre.org/techniques/T1548/",),
    tags=("privilege",),
)
