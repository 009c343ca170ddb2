"""A file is given to root."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="privesc-chown-root",
    category="privilege",
    severity="high",
    message="Gives a file to root",
    check=(
        Pattern(r"""\bchown\s+(?:-\S+\s+){0,6}["']?(?:root(?:[:.]\S*|["'])?(?:\s|$)|0[:.]\S*|0["']?\s+\S)"""),
        Pattern(r"\bos\.l?chown\s*\(.*,\s*0\s*,\s*-?[01]\s*\)"),
    ),
    bad=("chown root:root /tmp/x", "chown root x", "chown 0:0 x", "chown -R root:wheel d", "chown 0 file"),
    good=("chown rootless:rootless x", "chown 1000:1000 x", "chown app: x"),
    remediation="Leave the owners of files alone.",
    references=("https://attack.mitre.org/techniques/T1222/002/",),
    tags=("privilege",),
)
