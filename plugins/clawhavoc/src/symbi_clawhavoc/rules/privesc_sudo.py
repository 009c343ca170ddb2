"""Something is run as another user, most often root."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="privesc-sudo",
    category="privilege",
    severity="high",
    message="Runs something with the rights of another user",
    check=(
        Pattern(
            r"(?:^|[^\w.-])sudo\s+\S",
            unless=r"\b(?:without|no|never\s+use|avoid)\s+sudo\s|\bsudo\s+(?:access|privileges?|rights|permissions?|users?|without|is|are|was|or|nor)\b",
            ignore_case=False,
        ),
        Pattern(r"(?:^|[\s;&|(`\"'])(?:/usr/bin/)?(?:doas|pkexec)\s+[\w/$-]", ignore_case=False),
    ),
    bad=("sudo apt-get install x", "sudo -n true", "echo x | sudo tee /etc/x", "doas reboot", "pkexec /bin/sh"),
    good=("visudo -c", "a sudoku puzzle", "Do not use sudo.", "runs without sudo rights", "pseudo code"),
    remediation="Say what has to be installed; let the operator do it.",
    references=("https://attack.mitre.org/techniques/T1548/003/",),
    tags=("privilege",),
)
