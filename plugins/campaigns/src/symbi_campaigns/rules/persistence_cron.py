"""A job in the scheduler of the system."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="persistence-cron",
    category="campaign",
    severity="high",
    message="Installs a scheduled job",
    check=(
        Pattern(
            r"\|\s*(?:sudo\s+)?crontab\s+-(?:\s|$)|\bcrontab\s+(?:-u\s+\S+\s+)?[\w./~$][\w./~$-]*(?:\s|$)",
            unless=r"\bcrontab\s+(?:file|entry|entries|syntax|format|line|jobs?|is|and|or|expression)\b",
        ),
        Pattern(r"(?:>>?|\btee\b|\bcp\b|\bmv\b).*/(?:etc/cron(?:tab|\.\w+)|var/spool/cron)\b"),
    ),
    bad=("(crontab -l; echo '* * * * * x') | crontab -", "crontab /tmp/x", "echo x >> /etc/crontab"),
    good=("crontab -l", "a crontab entry", "the cron syntax"),
    remediation="Use the scheduler of the runtime.",
    references=("https://attack.mitre.org/techniques/T1053/003/",),
    tags=("persistence",),
    default=False,
)
