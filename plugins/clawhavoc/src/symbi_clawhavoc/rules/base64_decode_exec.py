"""Base64 is decoded straight into something that runs it."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, Pattern, ScannerRule
from symbi_clawhavoc.rules.eval_with_fetch import CALL, DEFINITION
from symbi_clawhavoc.words import PIPED, SHELL

DECODE = r"\b(?:base64|gbase64|(?:openssl\s+(?:enc\s+)?-?(?:base64|a)))\s+(?:-\S+\s+){0,4}(?:-[a-zA-Z]*d[a-zA-Z]*|--decode)\b"

RULE = ScannerRule(
    id="base64-decode-exec",
    category="original",
    severity="critical",
    message="Decodes base64 and runs the result",
    check=(
        Pattern(rf"{DECODE}.*{PIPED}"),
        Pattern(
            rf"(?:{SHELL}|\bpython[\d.]*|\bperl|\bruby)\s+(?:-\S+\s+){{0,4}}(?:-\w+|<<<)\s*[\"']?\s*(?:\$\(|`).*{DECODE}"
        ),
        Pattern(rf"(?:^|[^\w.-])(?:eval|source|\.)\s+[\"']?\s*(?:\$\(|`|<\().*{DECODE}"),
        Pattern(rf"{SHELL}\s+(?:-\S+\s+){{0,4}}<\(.*{DECODE}"),
        Pattern(
            rf"(?:{CALL}|\bos\.(?:system|popen)\s*\(|\bsubprocess\.\w+\s*\(|\bnew\s+Function\s*\().*"
            r"(?:\bb(?:64|32|85)decode\b|\batob\s*\(|\bdecodebytes\b|Buffer\.from\s*\([^)]*base64|base64_decode\b|decode64\b)",
            unless=DEFINITION,
        ),
        Nearby(
            (r"(?:\bb64decode|\batob|\bdecodebytes)\s*\(", rf"(?:{CALL}|\bos\.system\s*\()\s*[A-Za-z_]"),
            within=5,
            unless=DEFINITION,
        ),
    ),
    bad=(
        "echo aGk= | base64 -d | sh",
        "echo aGk= | base64 --decode | sudo bash",
        "echo aGk= | base64 -D | zsh",
        'bash -c "$(echo aGk= | base64 -d)"',
        "exec(base64.b64decode(blob))",
        "eval(atob(payload))",
        "code = base64.b64decode(blob)\nexec(code)",
    ),
    good=(
        "base64 -d in.txt > out.bin",
        "base64 -d a.b64 | tar xz",
        "base64 -d a.b64 | shasum -a 256",
        "data = base64.b64decode(blob)",
        "echo hello | base64",
    ),
    remediation="Write the program in clear text.",
    references=("https://attack.mitre.org/techniques/T1140/",),
    tags=("obfuscation", "execute"),
)
