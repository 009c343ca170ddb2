"""Writing to another process through ptrace."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="injection-ptrace",
    category="injection",
    severity="critical",
    message="Attaches to or writes into another process with ptrace",
    check=Pattern(
        r"\bptrace\s*\(\s*(?:PTRACE_(?:ATTACH|SEIZE|POKETEXT|POKEDATA|POKEUSER|SETREGS|SETREGSET|SETFPREGS)\b|(?:16|0x10|4|5|13|0x4206)\s*,)"
    ),
    bad=(
        "ptrace(PTRACE_ATTACH, pid, 0, 0);",
        "ptrace(PTRACE_POKETEXT, pid, addr, word)",
        "ptrace( PTRACE_SEIZE, pid, 0, 0)",
        "ptrace(PTRACE_SETREGS, pid, 0, &regs)",
    ),
    good=("ptrace(PTRACE_TRACEME, 0, 0, 0);", "ptrace(PTRACE_DETACH, pid, 0, 0);", "kernel.yama.ptrace_scope = 1"),
    remediation="Remove it; a skill has no business in another process.",
    references=("https://attack.mitre.org/techniques/T1055/008/",),
    tags=("inject",),
)
