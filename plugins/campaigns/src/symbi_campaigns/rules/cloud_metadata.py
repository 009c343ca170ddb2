"""The address where a cloud machine gets its credentials."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="cloud-metadata",
    category="campaign",
    severity="high",
    message="Asks the metadata service of a cloud for credentials",
    check=Pattern(
        r"\b169\.254\.169\.254\b.*(?:meta-data|metadata|token|identity)|\bmetadata\.google\.internal\b|\b169\.254\.170\.2\b|fd00:ec2::254"
    ),
    bad=(
        "curl http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "curl -H 'Metadata-Flavor: Google' http://metadata.google.internal/x",
    ),
    good=("169.254.169.254 is link-local", "curl https://metadata.example"),
    remediation="Use the credentials that the operator gives.",
    references=("https://attack.mitre.org/techniques/T1552/005/",),
    tags=("secret",),
    default=False,
)
