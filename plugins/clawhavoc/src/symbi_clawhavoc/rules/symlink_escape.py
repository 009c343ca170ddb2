"""A link out of the skill into a system directory."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

TARGET = r"""/(?:(?:etc|home|root|var|tmp)(?:[/\s"'`,)]|$)|["']?(?:\s|$))"""

RULE = ScannerRule(
    id="symlink-escape",
    category="traversal",
    severity="medium",
    message="Links to a system directory",
    check=(
        Pattern(
            rf"""(?:^|[^\w.-])ln\s+(?:-\S+\s+){{0,5}}(?:-[a-z]*s[a-z]*|--symbolic)\s+(?:-\S+\s+){{0,5}}["']?{TARGET}"""
        ),
        Pattern(rf"""\b(?:os\.symlink|symlink(?:Sync)?|symlink_to)\s*\(\s*(?:Path\s*\(\s*)?["']{TARGET}"""),
    ),
    bad=(
        "ln -s /etc/passwd x",
        "ln -sf /home/bob x",
        "ln -s -f /root x",
        "ln --symbolic /var x",
        "os.symlink('/etc/passwd', 'x')",
    ),
    good=("ln -s ../lib lib", "ln -s /opt/app app", "ln -s /variants/a b", "ln a b"),
    remediation="Link only within the skill, by relative path.",
    references=("https://cwe.mitre.org/data/definitions/59.html",),
    tags=("filesystem",),
)
