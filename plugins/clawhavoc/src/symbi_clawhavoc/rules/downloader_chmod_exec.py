"""A file is made executable."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="downloader-chmod-exec",
    category="downloader",
    severity="medium",
    message="Makes a file executable",
    check=Pattern(r"""\bchmod\s+(?:-\S+\s+){0,6}["']?(?:[\w,+=]*,)?[ugoa]*\+[rwXst]*x"""),
    bad=("chmod +x run.sh", "chmod u+x run.sh", "chmod a+rx f", "chmod -v +x f"),
    good=("chmod -x f", "chmod +r f", "COPY --chmod=+x a b", "chmod 644 f"),
    remediation="Run scripts through their interpreter: `bash run.sh`.",
    references=("https://attack.mitre.org/techniques/T1222/002/",),
    tags=("executable",),
)
