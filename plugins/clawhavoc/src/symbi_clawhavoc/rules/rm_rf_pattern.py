"""A recursive delete of an absolute path or the home directory."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

OPTION = r"(?:-\S+\s+){0,8}"
TARGET = r"""(?:[^\s;|&<>#-][^\s;|&<>#]*\s+){0,6}["']?(?:/|~(?:[/\s"']|$)|\$\{?HOME\b)"""

RULE = ScannerRule(
    id="rm-rf-pattern",
    category="original",
    severity="critical",
    message="Deletes an absolute path or the home directory recursively",
    check=(
        Pattern(rf"(?:^|[^\w.-])rm\s+{OPTION}(?:-[a-z]*r[a-z]*|--recursive)\s+{OPTION}{TARGET}"),
        Pattern(
            r"""(?:^|[^\w.-])rm\s+(?:-\S+\s+){0,8}["']?(?:/|~|\$\{?HOME\b)[^\s;|&<>]*\s+(?:[^\s;|&<>]+\s+){0,4}(?:-[a-z]*r[a-z]*|--recursive)(?:\s|$)"""
        ),
        Pattern(
            r"""\brmtree\s*\(\s*(?:os\.path\.expanduser\s*\(\s*)?["'](?:/(?:etc|home|root|usr|var|boot|bin|lib|opt|srv)?/?|~/?)["']"""
        ),
    ),
    bad=(
        "rm -rf /",
        "rm -r /var/lib/data",
        "rm -fr /etc",
        "rm -r -f /usr",
        "rm --recursive --force /opt",
        "rm -rf --no-preserve-root /",
        "rm -rf ~",
        'rm -rf "$HOME"',
        "rm -rf /tmp/own-dir",
    ),
    good=("rm -rf build dist", "rm -f /tmp/file", "confirm -r /x", "rm -rf ./node_modules", "rm -rf build > /dev/null"),
    remediation="Delete only inside the skill's own working folder, by relative path.",
    references=("https://attack.mitre.org/techniques/T1485/",),
    tags=("destroy",),
)
