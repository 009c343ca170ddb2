"""wget writes what it downloads to a file of a chosen name."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

ARGUMENTS = r"(?:[^|;&]|&[^&])*"
NOWHERE = r"""(?:\s-[a-zA-Z]*O|--output-document)[\s=]*["']?(?:/dev/(?:null|stdout|stderr)|-(?:[\s"')`|;]|$))"""

RULE = ScannerRule(
    id="downloader-wget-save",
    category="downloader",
    severity="medium",
    message="Downloads a file with wget",
    check=Pattern(
        rf"\bwget(?:\.exe)?\s(?:{ARGUMENTS}\s)?(?:-[a-zA-Z]*O\s*[\w./~$\"'-]|--output-document[\s=])",
        unless=NOWHERE,
        ignore_case=False,
    ),
    bad=(
        "wget -O /tmp/x https://x.example",
        "wget --output-document x https://x.example",
        "wget --output-document=x https://x.example",
        "wget -qO x https://x.example",
    ),
    good=(
        "wget -O - https://x.example",
        "wget -qO- https://x.example | tar xz",
        "wget -O /dev/null https://x.example",
        "wget https://x.example",
    ),
    remediation="Ship the file with the skill, or pin its digest and check it.",
    references=("https://attack.mitre.org/techniques/T1105/",),
    tags=("download",),
)
