"""What makes a text worth a second look: expressions that say which disguise may be in it, matched together with the rules."""

from __future__ import annotations

from symbi_skills.regex.nodes import Node
from symbi_skills.regex.parse import parse

__all__ = ["HINTS", "NAMES", "SIGNALS", "signal_nodes"]

_JUNK = r"""(?:\\|''|""|["']|\$@|\$\*|\$\{[@*]\}|\$\(\)|``)"""
_DISGUISED = (
    "curl",
    "wget",
    "bash",
    "base64",
    "sudo",
    "chmod",
    "chown",
    "eval",
    "exec",
    "ncat",
    "python",
    "perl",
    "rm",
    "nc",
    "sh",
    "dig",
    "ssh",
)


def _split_word(word: str) -> str:
    """Return an expression for `word` with junk between at least two of its letters."""
    letters = list(word)
    choices = []
    for forced in range(1, len(letters)):
        parts = [letters[0]]
        for index in range(1, len(letters)):
            parts.append((f"{_JUNK}+" if index == forced else f"{_JUNK}*" if index > forced else "") + letters[index])
        choices.append("".join(parts))
    return r"\b(?:" + "|".join(choices) + ")"


_COMMANDS = r"(?:rm|chmod|chown|curl|wget|sudo|nc|ncat|netcat|bash|sh|zsh|ln|setcap|nsenter|unshare|dig|nslookup|base64|security|gdb|cat|dd|python3?|cp|find)"  # noqa: E501  # an expression is read in one piece

SIGNALS: dict[str, tuple[str, bool]] = {
    "continuation": (r"\\\s*$", False),
    "open-pipe": (r"[^|\s]\s*(?:\||\|\||&&)\s*(?:#\s.*)?$", False),
    "open-group": (r"(?:\$\(|<\(|\s-c\s+[\"'])\s*$", False),
    "caret": (r"\s[\^`]\s*$", False),
    "split-word": ("|".join(_split_word(word) + r"(?:\W|$)" for word in _DISGUISED), False),
    "ifs": (r"\$\{?IFS\b", False),
    "braces": (r"\{(?:curl|wget|bash|sh|rm|nc|ncat|cat|chmod|sudo|eval),", True),
    "ansi": (r"\$'[^'\\\s]{0,8}\\[xuU0-7]", False),
    "concat": (r"""["'`]\s*\+\s*[bBuUrRfF]?["'`]|\w["'] ?\.{1,2} ?["']\w""", False),
    "concat-end": (r"""["'`]\s*\+\s*\\?$""", False),
    "argv": (rf"""["'](?:/(?:usr/)?(?:s?bin)/)?{_COMMANDS}["']\s*,\s*[fr]?["']""", False),
    "variable-command": (
        r"""(?:(?:^|[;&|(`])\s*|\$\(\s*|\b(?:then|do|else|exec|sudo|eval)\s+)["']?(?:\$\{?\w+\}?)+["']?(?:\s|$|[;|&)`"'])""",
        False,
    ),
    "escape": (
        r"[A-Za-z]\\(?:x[2-7][0-9a-fA-F]|u00[2-7][0-9a-fA-F]|[01][0-7][0-7])"
        r"|\\(?:x[2-7][0-9a-fA-F]|u00[2-7][0-9a-fA-F]|[01][0-7][0-7])[A-Za-z]"
        r"|(?:\\(?:x[2-7][0-9a-fA-F]|u00[2-7][0-9a-fA-F]|[01][0-7][0-7])){3}",
        False,
    ),
    "percent": (
        r"(?:%[2-7][0-9a-fA-F]){3}|[A-Za-z]%[4-7][0-9a-fA-F]|%[4-7][0-9a-fA-F][A-Za-z]|\b(?:curl|wget|bash|sh|rm|nc|sudo)%20",
        False,
    ),
    "entity": (r"&(?:#x?[0-9a-fA-F]{2,6}|vert|verbar|sol|lpar|rpar|period|dollar|colon|amp|lt|gt);", False),
    "characters": (
        r"\b(?:(?:chr|fromCharCode|fromCodePoint)\s*\(|bytes(?:array)?\s*\(\s*\[)\s*(?:0x[0-9a-fA-F]{2}|\d{2})|\bmap\s*\(\s*chr\b|\bchr\(\w+\)\s+for\b",
        False,
    ),
    "python-call": (
        r"(?:^|[^\w.])(?:exec|eval|__import__)\s*\(|\bos\.(?:system|popen|exec[lv]\w*)\s*\(|\bpty\.spawn\s*\(",
        False,
    ),
    "python-shell": (r"\bsubprocess\.\w+\s*\(|\b(?:Popen|check_output|check_call)\s*\(", False),
    "python-alias": (
        r"\bimport\s+(?:subprocess|pty|socket|base64|os|requests)\s+as\b|\bfrom\s+(?:os|subprocess|pty)\s+import\s+\w+\s+as\b",
        False,
    ),
    "python-hidden": (
        r"""\bgetattr\s*\(\s*(?:os|subprocess|__builtins__|builtins|importlib|shutil|pty|socket|__import__\s*\([^)]*\))\s*,[^),]*[+\[(]|__import__\s*\(\s*["']\w*["']\s*[+\[]""",
        False,
    ),
    "python-backwards": (r"\[::-1\]|\bfromhex\s*\(|\brot_?13\b", False),
    "python-decode": (r"\b(?:b(?:16|32|64|85)decode|a2b_\w+|unhexlify|decompress)\s*\(", False),
    "python-fetch": (r"\b(?:requests|httpx)\.(?:get|post)\s*\(|\burlopen\s*\(", False),
    "python-danger": (r"""["'](?:sudo\s|rm\s+-|curl\s|wget\s|nc\s|/bin/|/dev/|chmod\s|base64\s)""", False),
    "shell-decode": (r"\|\s*rev\b|\brev\s*<<<|N-ZA-M|\brot-?13\b", True),
    "ignore-comment": (
        r"(?:symbi|clawhavoc|skill[ -]?scan(?:ner)?)\s*[:-]\s*(?:ignore|disable|skip|allow|suppress)",
        True,
    ),
}
"""Name: the expression, and whether case is ignored."""

NAMES = tuple(SIGNALS)
HINTS: dict[str, bytes] = {
    "split-word": rb"""[A-Za-z0-9](?:\\|''|""|["'`]|\$[@*{(])[^\n ]{0,3}[A-Za-z0-9]""",
}
"""What the pure-Python engine may look for first."""


def signal_nodes() -> list[Node]:
    """Return the trees of all signals, in the order of `NAMES`."""
    return [parse(regex, ignore_case=ignore) for regex, ignore in SIGNALS.values()]
