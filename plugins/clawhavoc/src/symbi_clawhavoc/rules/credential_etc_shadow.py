"""The file of password hashes."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

FILE = r"""/etc/g?shadow-?(?:[^\w/-]|$)"""

RULE = ScannerRule(
    id="credential-etc-shadow",
    category="credential",
    severity="high",
    message="Reads the file of password hashes",
    check=(
        Pattern(
            rf"""\b(?:cat|head|tail|less|more|tac|nl|cut|sort|strings|xxd|od|base64|vim?|nano)\s+(?:["']?[-+/~$.\d"']\S*\s+){{0,8}}["']?{FILE}"""
        ),
        Pattern(
            rf"""\b(?:cp|mv|scp|rsync|tar|zip|grep|egrep|awk|sed|unshadow|john|hashcat|ln)\s(?:[^|;&]*\s)?["']?{FILE}"""
        ),
        Pattern(
            rf"""\b(?:open|read_text|readFile(?:Sync)?|Path|file_get_contents|File\.(?:read|open)|fopen)\s*\(\s*r?["']{FILE}"""
        ),
        Pattern(rf"(?:[<@]\s*|\bif=){FILE}"),
    ),
    bad=(
        "cat /etc/shadow",
        "head -n 3 /etc/shadow",
        "sudo less /etc/shadow",
        "cp /etc/shadow /tmp/s",
        "open('/etc/shadow')",
    ),
    good=("cat /etc/shadowsocks/config.json", "cat /etc/passwd", "never touch /etc/shadow"),
    remediation="Remove it; nothing a skill does needs password hashes.",
    references=("https://attack.mitre.org/techniques/T1003/008/",),
    tags=("secret",),
)
