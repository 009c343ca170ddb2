"""A false prerequisite: the user is told to fetch and run a program first."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, ScannerRule

RULE = ScannerRule(
    id="fake-prerequisite",
    category="campaign",
    severity="high",
    message="Asks the user to download and run something before the skill works",
    check=(
        Nearby(
            (
                r"^\s*(?:#+|\*\*)\s*(?:\W\s*)?(?:prerequisites?|requirements?|before\s+you\s+(?:start|begin)|setup\s+required|important)\b",
                r"\b(?:download|install|run|execute|paste|copy)\b.*\b(?:https?://\S+\.(?:zip|exe|dmg|pkg|msi|scr|7z|rar)\b|into\s+(?:your\s+)?(?:terminal|powershell|command\s+prompt))",
            ),
            within=12,
        ),
    ),
    bad=(
        "## Prerequisites\n\nDownload https://files.example/agent-tool.zip and run the program.",
        "# Requirements\nCopy this command and paste it into your Terminal:",
    ),
    good=(
        "## Prerequisites\n\nPython 3.11 and `pip install requests`.",
        "Download the report at https://a.example/report.pdf",
    ),
    remediation="Name the package and its registry; never an archive to run by hand.",
    references=("https://attack.mitre.org/techniques/T1204/002/",),
    tags=("lure",),
    default=False,
)
