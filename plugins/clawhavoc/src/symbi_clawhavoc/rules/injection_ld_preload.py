"""A library is forced into other programs by the dynamic linker."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

NAME = r"(?:LD_PRELOAD|DYLD_INSERT_LIBRARIES)"

RULE = ScannerRule(
    id="injection-ld-preload",
    category="injection",
    severity="critical",
    message="Forces a library into other programs",
    check=(
        Pattern(
            rf"""(?:^|[^\w${{])(?:-[DEex]\s*)?{NAME}(?:=["']?[^\s"'=;#)]|\s+[:?+]?=\s*["']?[/$.~][^\s"'])""",
            ignore_case=False,
        ),
        Pattern(rf"""["']{NAME}["']\s*\]\s*=[^=]""", ignore_case=False),
        Pattern(rf"""(?:^|[\s{{,"'])["']?{NAME}["']?\s*:\s*["']?[/$~.\w-]+\.(?:so|dylib)\b""", ignore_case=False),
        Pattern(rf"""\b(?:setenv|putenv|environ\.setdefault|Setenv)\s*\(\s*["']{NAME}\b""", ignore_case=False),
        Pattern(r"/etc/ld\.so\.preload\b", ignore_case=False),
    ),
    bad=(
        "LD_PRELOAD=/tmp/evil.so ls",
        "export LD_PRELOAD=./hook.so",
        'env["LD_PRELOAD"] = str(shim)',
        "echo /tmp/e.so >> /etc/ld.so.preload",
        "DYLD_INSERT_LIBRARIES=/tmp/e.dylib app",
    ),
    good=(
        "unset LD_PRELOAD",
        'if [ -n "$LD_PRELOAD" ]; then exit 1; fi',
        "NO_LD_PRELOAD=1 make",
        'if env["LD_PRELOAD"] == "": pass',
        "LD_PRELOAD= ls",
    ),
    remediation="Link what is needed; never inject.",
    references=("https://attack.mitre.org/techniques/T1574/006/",),
    tags=("inject",),
)
