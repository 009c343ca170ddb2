"""A service or agent that starts again after every restart."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="persistence-launch-agent",
    category="campaign",
    severity="high",
    message="Installs itself to start with the system",
    check=Pattern(
        r"(?:/Library/Launch(?:Agents|Daemons)/\S|\blaunchctl\s+(?:load|bootstrap|submit)\b|\bsystemctl\s+(?:--user\s+)?enable\b|/etc/systemd/system/\S+\.service|\.config/systemd/user/\S|\\CurrentVersion\\Run\b|\bschtasks(?:\.exe)?\s.*/create\b|\.config/autostart/)"
    ),
    bad=(
        "cp x.plist ~/Library/LaunchAgents/x.plist",
        "launchctl load x.plist",
        "systemctl --user enable x",
        "schtasks /create /tn x /tr y",
    ),
    good=("launchctl list", "systemctl status x", "ls ~/Library"),
    remediation="A skill runs when it is asked to, not at every start.",
    references=("https://attack.mitre.org/techniques/T1543/",),
    tags=("persistence",),
    default=False,
)
