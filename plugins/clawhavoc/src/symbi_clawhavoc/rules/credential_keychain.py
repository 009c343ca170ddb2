"""Secrets out of the key store of the operating system."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="credential-keychain",
    category="credential",
    severity="high",
    message="Reads secrets from the key store of the operating system",
    check=Pattern(
        r"\bsecurity\s+(?:-\S+\s+)*(?:find-(?:generic|internet)-password|dump-keychain|export\s+-k)\b"
        r"|\bkeyctl\s+(?:read|print|pipe)\b|\bsecret-tool\s+(?:lookup|search)\b"
    ),
    bad=(
        "security find-generic-password -wa Chrome",
        "security find-internet-password -s github.com",
        "keyctl read 12345",
        "security dump-keychain",
        "secret-tool lookup service x",
    ),
    good=("keyctl newring app @s", "the security of the keychain", "security is important"),
    remediation="Ask the operator for the one secret that is needed.",
    references=("https://attack.mitre.org/techniques/T1555/001/",),
    tags=("secret",),
)
