"""The memory of a process, through /proc."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="injection-proc-mem",
    category="injection",
    severity="critical",
    message="Reads or writes the memory of a process",
    check=(
        Pattern(
            r"/proc/(?:\d+|self|thread-self|\$\{?\w+\}?|\$\$|\$\([^)]*\)|\{[^}/]*\}|%[ds]|<\w+>|\[\w+\]|\*)/mem(?:[^\w.]|\.?\s|\.?$)"
        ),
        Pattern(r"""/proc/["']\s*[+.,]\s*[\w().$]+\s*[+.,]\s*["']/?mem["']"""),
    ),
    bad=(
        "cat /proc/1234/mem",
        "open('/proc/self/mem', 'r+b')",
        'open(f"/proc/{pid}/mem")',
        "dd if=/proc/$PID/mem of=dump",
    ),
    good=("cat /proc/meminfo", "cat /proc/self/maps", "notes in /proc/self/memory.x", "/proc/1/memory"),
    remediation="Remove it; a skill has no business in another process.",
    references=("https://attack.mitre.org/techniques/T1055/009/",),
    tags=("inject",),
)
