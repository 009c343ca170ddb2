"""A line in a file that every new shell runs."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="persistence-shell-profile",
    category="campaign",
    severity="medium",
    message="Writes to a start-up file of the shell",
    check=(
        Pattern(
            r"(?:>>?\s*|\btee\s+(?:-a\s+)?)[\"']?(?:~|\$\{?HOME\}?|/root|/home/[^\s/]+|/Users/[^\s/]+)/\.(?:bashrc|bash_profile|zshrc|zprofile|zshenv|profile|config/fish/config\.fish)\b"
        ),
        Pattern(r"(?:>>?\s*|\btee\s+(?:-a\s+)?)/etc/(?:profile(?:\.d/\S+)?|bash\.bashrc|zshrc|environment)\b"),
    ),
    bad=("echo 'x' >> ~/.zshrc", "echo x | tee -a ~/.bashrc", "cat y > /etc/profile.d/y.sh"),
    good=("source ~/.bashrc", "cat ~/.zshrc", "grep x ~/.profile"),
    remediation="Tell the user the line; do not write it.",
    references=("https://attack.mitre.org/techniques/T1546/004/",),
    tags=("persistence",),
    default=False,
)
