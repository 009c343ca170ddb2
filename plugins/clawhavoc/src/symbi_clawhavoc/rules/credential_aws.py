"""The credential files of the AWS command line."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule
from symbi_clawhavoc.words import SEP

RULE = ScannerRule(
    id="credential-aws",
    category="credential",
    severity="high",
    message="Refers to AWS credential or config files",
    check=Pattern(rf"\.aws{SEP}(?:credentials|config)(?:[^\w-]|$)"),
    bad=(
        "cat ~/.aws/credentials",
        "cp $HOME/.aws/config /tmp",
        "%USERPROFILE%\\.aws\\credentials",
        "os.path.join(home, '.aws', 'credentials')",
    ),
    good=("ls ~/.aws-sam/build", "aws configure", "see docs.aws.amazon.com/config"),
    remediation="Use a role or short-lived credentials from the operator.",
    references=("https://attack.mitre.org/techniques/T1552/001/",),
    tags=("secret",),
)
