"""What a secret looks like, in one table: logs, audit, journal and answers mask by it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

import msgspec

from symbi.contracts.hiding import hidden_text
from symbi.contracts.secret import Secret

__all__ = ["MASK", "is_sensitive", "mask", "mask_text"]

MASK = "***"
"""What stands where a secret was."""

_TOKENS = "|".join((
    r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic, OpenRouter
    r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}",  # Slack
    r"(?:gh[a-z]_|github_pat_)[A-Za-z0-9_]{20,}",
    r"glpat-[A-Za-z0-9_-]{16,}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
    r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}",  # Google
    r"(?:[srp]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,}",  # Stripe
    r"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"hv[sb]\.[A-Za-z0-9_-]{20,}",  # Vault
    r"sk_[0-9a-f]{12}\.[A-Za-z0-9_-]{16,}",  # API keys of our own
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # JWT
))  # fmt: skip
_NAME = r"(?:pass(?:word|wd|phrase)|secret|token(?!s)|(?:api|access|private|signing|encryption)[_-]?key|credential|authorization|cookie)"

# Every repetition is bounded or followed by what it cannot contain, so that no text makes a pattern slow.
_KNOWN = re.compile(rf"\b(?:{_TOKENS})")
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL)
_SCHEME = re.compile(r"\b(bearer|basic|digest)(\s{1,8})(?!\*\*\*)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s/:@]{0,200}:)[^\s/@]{1,500}(?=@)")
_ASSIGNED = re.compile(
    rf"(?<![A-Za-z0-9])(?!secret_read::)((?:[A-Za-z0-9]{{1,20}}[_-]){{0,4}}{_NAME}s?(?:[_-][a-z0-9]{{1,20}}){{0,2}}[\"']?\s{{0,8}}(?::(?!//)|=)\s{{0,8}})"
    rf"(\"[^\"\n]{{4,4096}}\"|'[^'\n]{{4,4096}}'|(?!secret://)[^\s\"',;&(){{}}\[\]]{{4,}})",
    re.IGNORECASE,
)
_SENSITIVE_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|token|(api|access|private|signing|encryption|master)key|credential|authorization|cookie|sessionid|^auth$|^pwd$|^jwt$|^bearer$"
)
_HINT = re.compile(r"[-_:=.]|AKIA|ASIA|AIza|ABIA|ACCA|bearer|basic|digest", re.IGNORECASE)
_DEPTH = 24
_PLAIN = (int, float)  # bool is an int


def mask_text(text: str) -> str:
    """Return the text with everything in it that looks like a credential, or is hidden in this task, replaced by `***`."""
    text = hidden_text(text)
    if len(text) < 8 or not _HINT.search(text):
        return text
    if "PRIVATE KEY" in text:
        text = _PEM.sub(MASK, text)
    if _KNOWN.search(text):
        text = _KNOWN.sub(MASK, text)
    if _SCHEME.search(text):
        text = _SCHEME.sub(rf"\1\2{MASK}", text)
    if "://" in text and _IN_URL.search(text):
        text = _IN_URL.sub(rf"\1{MASK}", text)
    if ("=" in text or ":" in text) and _ASSIGNED.search(text):
        text = _ASSIGNED.sub(rf"\1{MASK}", text)
    return text


def is_sensitive(name: str) -> bool:
    """Tell whether a field of this name holds a secret (`api_key`, `X-Auth-Token`, `clientSecret` …)."""
    return _is_sensitive(name) if len(name) <= 64 else _is_sensitive.__wrapped__(name)


@lru_cache(maxsize=2048)
def _is_sensitive(name: str) -> bool:
    return _SENSITIVE_KEY.search(name.lower().replace("_", "").replace("-", "")) is not None


def mask(value: Any, *, depth: int = _DEPTH) -> Any:
    """Return a JSON-ready copy of `value` without secrets: texts masked, the values of sensitive names replaced.

    Numbers, booleans and null stay under any name (`prompt_tokens: 12`), and so do references (`secret://name`,
    `vault://name`), which are no secrets. Bytes become their length; what is nested deeper than `depth`, or unknown to JSON, is named by its type.
    """
    if isinstance(value, str):
        return mask_text(value)
    if value is None or isinstance(value, _PLAIN):
        return value
    if type(value) is dict and depth > 0:
        return {_name(name): _field(_name(name), item, depth - 1) for name, item in value.items()}
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, msgspec.Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if depth <= 0:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {_name(name): _field(_name(name), item, depth - 1) for name, item in value.items()}
    if isinstance(value, Sequence | Set):
        items = sorted(value, key=repr) if isinstance(value, Set) else value
        return [mask(item, depth=depth - 1) for item in items]
    return _other(value)


def _name(name: Any) -> str:
    return name if isinstance(name, str) else str(name)


def _field(name: str, value: Any, depth: int) -> Any:
    if not is_sensitive(name) or value is None or isinstance(value, _PLAIN) or value == "":
        return mask(value, depth=depth)
    if isinstance(value, str) and value.startswith(("secret://", "vault://")):
        return value
    return MASK


def _other(value: Any) -> Any:
    try:
        return mask_text(str(msgspec.to_builtins(value)))
    except (TypeError, ValueError):
        return f"<{type(value).__name__}>"
