"""Credentials in text: how they look, how likely they are real, and how to show a line without them."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

import math
import re

__all__ = ["SECRET_FORMS", "entropy", "is_placeholder", "mask"]

SECRET_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{60,255}\b"),
        ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,64}\b"),
        ("Slack token", r"\bxox[abposr]-[A-Za-z0-9-]{10,250}\b|\bxapp-[A-Za-z0-9-]{10,250}\b"),
        ("Slack hook", r"hooks\.slack\.com/services/T[A-Z0-9]{6,14}/B[A-Z0-9]{6,14}/[A-Za-z0-9]{20,30}"),
        ("Stripe key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,128}\b"),
        ("OpenAI key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,220}\b"),
        ("Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,220}\b"),
        ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
        ("SendGrid key", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
        ("Twilio key", r"\bSK[0-9a-f]{32}\b"),
        ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("PyPI token", r"\bpypi-[A-Za-z0-9_-]{40,300}"),
        ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,64}\b"),
        ("Telegram bot token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,36}"),
        ("Discord hook", r"discord(?:app)?\.com/api/webhooks/\d{16,20}/[A-Za-z0-9_-]{50,100}"),
        ("JSON web token", r"\beyJ[A-Za-z0-9_-]{10,500}\.eyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{10,500}"),
        ("private key", r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----"),
        (
            "password in a URL",
            r"\b[a-z][a-z0-9+.-]{2,20}://[^\s:/@'\"{}<>$]{1,64}:[^\s/@'\"{}<>$]{4,64}@[A-Za-z0-9.-]+",
        ),
    )
)
_PLACEHOLDERS = re.compile(r"example|placeholder|your[-_ ]|change[-_]?me|dummy|sample|redacted|insert|replace|fake|todo|<[^>]+>|\bxxx|x{4,}|0{8,}|1234567|abcdef|\*{3}|\.\.\.|not[-_ ]?a[-_ ]?real|test[-_]?(?:key|token|secret|password)|user:pass|user:password|username:password", re.IGNORECASE)  # fmt: skip


def is_placeholder(text: str) -> bool:
    """Whether a value is one that documentation uses in place of a real one."""
    return bool(_PLACEHOLDERS.search(text)) or len(set(text)) <= 4


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    if not text:
        return 0.0
    counts = [text.count(char) for char in set(text)]
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def mask(text: str) -> str:
    """The text with every credential form, and every long random word, shortened to its first four characters."""
    for _, form in SECRET_FORMS:
        text = form.sub(lambda match: match.group()[:4] + "…masked", text)
    return re.sub(
        r"(?<=['\"=: ])[A-Za-z0-9+/_=-]{20,}(?=['\"\s,;)]|$)",
        lambda m: m.group() if entropy(m.group()) < 3.7 else m.group()[:4] + "…masked",
        text,
    )
