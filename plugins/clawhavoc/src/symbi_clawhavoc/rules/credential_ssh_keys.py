"""Private SSH keys, or the list of keys that may log in."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule
from symbi_clawhavoc.words import HOME, SEP

RULE = ScannerRule(
    id="credential-ssh-keys",
    category="credential",
    severity="high",
    message="Refers to private SSH keys or authorized_keys",
    check=(
        Pattern(
            rf"\.ssh{SEP}(?:id_(?:rsa|dsa|ecdsa|ed25519|xmss)[\w-]*|id_\*|authorized_keys2?)(?:[^\w]|$)",
            unless=r"\bid_[\w-]+\.pub\b",
        ),
        Pattern(
            rf"\b(?:cat|cp|tar|zip|scp|rsync|base64|curl|find)\s(?:[^|;&]*[\s=@\"'])?{HOME}/\.ssh(?:/?\*|/?(?:\s|[\"')]|$))"
        ),
    ),
    bad=(
        "cat ~/.ssh/id_rsa",
        "~/.ssh/id_ed25519",
        "$HOME/.ssh/id_ecdsa",
        "/home/bob/.ssh/id_dsa",
        "echo k >> ~/.ssh/authorized_keys",
    ),
    good=("ssh-keygen -F host -f ~/.ssh/known_hosts", "edit ~/.ssh/config", "cat ~/.ssh/id_rsa.pub", "mkdir -p ~/.ssh"),
    remediation="Let the operator's SSH agent sign; a skill never needs the key file.",
    references=("https://attack.mitre.org/techniques/T1552/004/",),
    tags=("secret",),
)
