"""A file that runs with the rights of its owner, or a process that becomes root."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

MODE = r"0{0,2}[2-7][0-7]{3}"

RULE = ScannerRule(
    id="privesc-setuid",
    category="privilege",
    severity="high",
    message="Sets the setuid or setgid bit, or becomes root",
    check=(
        Pattern(
            rf"\bchmod\s+(?:-\S+\s+){{0,6}}[\"']?(?:(?:[\w,+=]*,)?[ugoa]*[+=][rwxXt]*s[rwxXst]*|{MODE})(?:[^\w.]|$)"
        ),
        Pattern(r"\bset(?:e|re|res|fs)?[ug]id\s*\(\s*0\s*[,)]"),
        Pattern(rf"(?:^|[^\w.-])install\s+(?:[^|;&]*\s)?(?:-m\s*|--mode[\s=]){MODE}\b"),
        Pattern(rf"\bf?l?chmod(?:Sync)?\s*\(.*(?:\b0o?{MODE}\b|\bS_IS[UG]ID\b)", unless=r"~\s*(?:stat\.)?S_IS[UG]ID\b"),
    ),
    bad=(
        "chmod u+s /tmp/sh",
        "chmod g+s dir",
        "chmod 4755 f",
        "chmod 6755 f",
        "os.setuid(0)",
        "install -m 4755 a b",
        "chmod -v u+s f",
    ),
    good=(
        "chmod 755 f",
        "chmod 644 f",
        "chmod 777 f",
        "chmod 1777 /srv/tmp",
        "chmod u-s f",
        "chmod 0755 f",
        "install -m 755 a b",
    ),
    remediation="Leave the rights of files alone.",
    references=("https://attack.mitre.org/techniques/T1548/001/",),
    tags=("privilege",),
)
