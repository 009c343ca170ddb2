"""A debugger attaches to a running process."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="injection-gdb-attach",
    category="injection",
    severity="critical",
    message="Attaches a debugger to a running process",
    check=(
        Pattern(
            r"""(?:^|[^\w.-])gdb\s(?:[^|;&]*\s)?(?:-p(?:[\s=\d$]|$)|--?pid[\s=]|attach\s+(?:\d|\$|<|\{|`)|["']attach\s)""",
            unless=r"--args\s.*",
        ),
        Pattern(
            r"""(?:^|[^\w.-])lldb\s(?:[^|;&]*\s)?(?:-p[\s\d$]|--attach-pid|--attach-name|["'](?:process\s+)?attach\s)"""
        ),
    ),
    bad=(
        "gdb -p 1234",
        "gdb --pid 1234",
        "gdb attach 1234",
        "gdb -batch -ex bt -p $PID",
        "gdb --pid=1234",
        "lldb -p 1234",
    ),
    good=("gdb ./app core", "pgdb -port 5432", "gdb --args app -p 80", "use gdb to debug"),
    remediation="Debug only programs that the skill itself starts.",
    references=("https://attack.mitre.org/techniques/T1055/",),
    tags=("inject",),
)
