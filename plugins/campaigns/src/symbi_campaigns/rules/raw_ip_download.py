"""A download from an address without a name."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="raw-ip-download",
    category="campaign",
    severity="high",
    message="Downloads from a bare IP address",
    check=(
        Pattern(
            r"\b(?:curl|wget|iwr|Invoke-WebRequest|certutil|bitsadmin|fetch|requests\.get|urlopen|DownloadString|DownloadFile)\b.*\b(?:https?|ftp)://(?:\d{1,3}\.){3}\d{1,3}\b",
            unless=r"://(?:127(?:\.\d{1,3}){3}|0\.0\.0\.0|10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|169\.254(?:\.\d{1,3}){2})\b",
        ),
    ),
    bad=("curl -s http://203.0.113.7/x", "wget http://198.51.100.2:8080/a", "requests.get('http://203.0.113.9/p')"),
    good=("curl http://127.0.0.1:8080/health", "curl http://192.168.1.5/", "ping 203.0.113.7"),
    remediation="Download from a named host over TLS.",
    references=("https://attack.mitre.org/techniques/T1105/",),
    tags=("download",),
    default=False,
)
