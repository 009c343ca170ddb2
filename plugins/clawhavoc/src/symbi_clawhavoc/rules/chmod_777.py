"""A file that everybody may write."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="chmod-777",
    category="original",
    severity="warning",
    message="Makes a file writable for everybody",
    check=(
        Pattern(
            r"\bchmod\s+(?:-\S+\s+){0,6}[\"']?(?:0{0,2}777|(?:a|ugo)?[+=]rwx|(?:a|ugo|o|go)[+=]rwX?x?|(?:[ugo]+=rwx,)+o=rwx)(?:[^\w.]|$)"
        ),
        Pattern(r"\bf?l?chmod(?:Sync)?\s*\(.*\b0?o?777\b"),
        Pattern(r"\bchmod\s*\(.*S_IRWXO"),
    ),
    bad=("chmod 777 /srv/app", "chmod -R 777 .", "chmod 0777 f", "chmod a+rwx f", "os.chmod(path, 0o777)"),
    good=("chmod 755 f", "chmod 640 f", "chmod 1777 /srv/tmp", "chmod u+rw f", "os.chmod(path, 0o700)"),
    remediation="Give the right to one user or group: 750, 640.",
    references=("https://attack.mitre.org/techniques/T1222/002/",),
    tags=("permissions",),
)
