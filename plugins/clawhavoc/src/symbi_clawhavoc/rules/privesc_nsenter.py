"""The namespaces of another process, or new ones."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="privesc-nsenter",
    category="privilege",
    severity="high",
    message="Enters or makes namespaces to get other rights",
    check=(
        Pattern(r"(?:^|[^\w.-])nsenter\s+(?:-|\$|\d|/)", ignore_case=False),
        Pattern(r"(?:^|[^\w.-])unshare\s+(?:-\S|(?:/\S*/)?(?:ba|z|da)?sh\b|\$|sudo\s|chroot\s)", ignore_case=False),
    ),
    bad=("nsenter -t 1 -m -u -i -n sh", "nsenter --target 1 --mount", "unshare -r sh", "unshare --mount bash"),
    good=("unshare the document", "to unshare a link", "the nsenter tool"),
    remediation="Stay in the sandbox that the runtime gives.",
    references=("https://attack.mitre.org/techniques/T1611/",),
    tags=("privilege",),
)
