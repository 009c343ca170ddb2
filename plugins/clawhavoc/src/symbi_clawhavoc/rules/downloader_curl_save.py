"""curl writes what it downloads to a file."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

ARGUMENTS = r"(?:[^|;&]|&[^&])*"
NOWHERE = r"""(?:(?:\s-[a-zA-Z#]*o|--output)[\s=]*["']?(?:/dev/(?:null|stdout|stderr)|NUL\b|-(?:[\s"')`]|$)))"""

RULE = ScannerRule(
    id="downloader-curl-save",
    category="downloader",
    severity="medium",
    message="Downloads a file with curl",
    check=(
        Pattern(
            rf"\bcurl(?:\.exe)?(?:\s{ARGUMENTS})?(?:\s-[a-zA-Z#]*[oO](?:\s|$)|\s-o[\w./~$\"'-]|\s--output[\s=]|\s--remote-name)",
            unless=NOWHERE,
            ignore_case=False,
        ),
        Pattern(rf"\bcurl\s{ARGUMENTS}>\s*[\"']?[\w./~$-]+\.(?:sh|py|pl|rb|js|exe|bin|ps1|elf|dmg|pkg)\b"),
    ),
    bad=(
        "curl -o /tmp/x https://x.example/x",
        "curl https://x.example/x --output x.bin",
        "curl -Lo x https://x.example/x",
        "curl -fsSLO https://x.example/x.tgz",
        "curl --output=x https://x.example",
    ),
    good=(
        "curl -o /dev/null -w '%{http_code}' https://x.example",
        "curl -d @body.json https://x.example",
        "curl -s https://x.example | sort -o f",
    ),
    remediation="Ship the file with the skill, or pin its digest and check it.",
    references=("https://attack.mitre.org/techniques/T1105/",),
    tags=("download",),
)
