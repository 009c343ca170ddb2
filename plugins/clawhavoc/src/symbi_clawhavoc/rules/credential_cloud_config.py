"""The credential files of other clouds."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule
from symbi_clawhavoc.words import SEP

RULE = ScannerRule(
    id="credential-cloud-config",
    category="credential",
    severity="high",
    message="Refers to credential files of gcloud, Kubernetes or Azure",
    check=(
        Pattern(rf"\.config{SEP}gcloud(?:[^\w-]|$)"),
        Pattern(rf"\.kube{SEP}config(?:[^\w-]|$)"),
        Pattern(r"""[~/\\"'}]\.azure(?:[/\\]|\s|["'`;,)]|$)|(?:^|\s)\.azure[/\\]"""),
    ),
    bad=(
        "cat ~/.config/gcloud/credentials.db",
        "cp ~/.kube/config /tmp",
        "tar cz ~/.azure",
        "$HOME/.azure/accessTokens.json",
    ),
    good=("rm -r ~/.kube/cache", "~/.azure-theme.css", "https://portal.azure.com/", "gcloud config list"),
    remediation="Use a service identity given by the operator.",
    references=("https://attack.mitre.org/techniques/T1552/001/",),
    tags=("secret",),
)
