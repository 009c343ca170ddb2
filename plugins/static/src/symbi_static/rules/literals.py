"""Constants and comments: credentials in the source, encoded payloads, packed lines, comments that steer scanners."""

from __future__ import annotations

import re

from symbi_static.ir.nodes import Assign, Attr, Bin, Call, Const, DictOf, Func, Index, Join, Module, Name
from symbi_static.rules.collector import Collector
from symbi_static.text.masking import SECRET_FORMS, entropy, is_placeholder

__all__ = ["check_comments", "check_lines", "check_literals", "strings_of"]

_NAMES = re.compile(
    r"(?:^|[_\W])(?:api_?key|apikey|secret|token|passw(?:or)?d|passwd|pwd|auth|credential|private_?key|access_?key|client_?secret|signing_?key)",
    re.IGNORECASE,
)
_SUPPRESS = re.compile(
    r"\bnosec\b|nosem(?:grep)?\b|pragma:\s*(?:allowlist|whitelist)\s*(?:nextline\s+)?secret|noqa:?\s*[:\s]\s*(?:[A-Z]+\d+\s*,\s*)*(?:S|DUO|B)\d{3}|eslint-disable\b.*(?:security|no-eval|no-implied-eval|no-new-func)|lgtm\s*\[|codeql\s*\[|NOSONAR|skipcq|bandit:\s*skip|gitleaks:allow|trufflehog:ignore|guarddog[:\s-]*ignore|snyk:ignore|checkov:skip|deepcode\s+ignore|semgrep-disable|(?:symbi|scanner|mcp-scan|review|analy[sz]er)\s*[:=-]\s*(?:ignore|allow|skip|safe|off|disable)\b",
    re.IGNORECASE,
)
_STYLE = re.compile(
    r"\bnoqa\b|eslint-disable|type:\s*ignore|pylint:\s*disable|prettier-ignore|ts-ignore", re.IGNORECASE
)
_ENCODED = re.compile(r"^[A-Za-z0-9+/_-]{400,}={0,2}$|^(?:[0-9a-fA-F]{2}){200,}$|^(?:\\x[0-9a-f]{2}){50,}$")


def strings_of(nodes: object) -> list[tuple[int, str, str]]:
    """All string constants with their line and the name they are given to, if any."""
    found: list[tuple[int, str, str]] = []
    stack: list[tuple[object, str]] = [(nodes, "")]
    while stack:
        node, name = stack.pop()
        if isinstance(node, Const):
            if isinstance(node.value, str | bytes) and node.value:
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                found.append((node.line, text, name))
            continue
        if isinstance(node, Assign):
            target = node.targets[0]
            label = target.id if isinstance(target, Name) else target.name if isinstance(target, Attr) else ""
            if isinstance(target, Index) and isinstance(target.key, Const):
                label = str(target.key.value)
            stack.append((node.value, label if not isinstance(node.value, Func) else ""))
            continue
        if isinstance(node, DictOf):
            for key, value in zip(node.keys, node.values, strict=True):
                stack.append((value, str(key.value) if isinstance(key, Const) else ""))
                if not isinstance(key, Const):
                    stack.append((key, ""))
            continue
        if isinstance(node, Call):
            stack.extend((value, key) for key, value in node.named.items())
            stack.extend((part, "") for part in [node.fn, *node.args, *node.spread])
            continue
        if isinstance(node, list | tuple):
            stack.extend((part, name if isinstance(part, Const | Join | Bin) else "") for part in node)
        elif hasattr(node, "__slots__"):
            keep = name if isinstance(node, Join | Bin) else ""
            for cls in type(node).__mro__:
                stack.extend(
                    (getattr(node, slot), keep) for slot in getattr(cls, "__slots__", ()) if slot not in ("line", "end")
                )
    return sorted(found)


def check_literals(module: Module, out: Collector) -> None:
    """Credentials and encoded payloads among the constants."""
    for line, text, name in strings_of(module.body):
        _check_secret(line, text, name, out)
        if _ENCODED.match(text) and entropy(text[:4000]) > 3.0:
            out.add(
                "encoded-payload",
                f"A constant of {len(text)} encoded characters.",
                line=line,
                seed=f"encoded{len(text)}",
            )


def _check_secret(line: int, text: str, name: str, out: Collector) -> None:
    for kind, form in SECRET_FORMS:
        match = form.search(text[:20_000])
        if match and kind == "private key" and len(text) < 80:
            continue
        if match and not is_placeholder(match.group()) and not _is_pattern(text):
            out.add("secret-in-source", f"A {kind} stands in the source.", line=line, seed=kind)
            return
    value = text.strip()
    if (
        _NAMES.search(name)
        and 12 <= len(value) <= 200
        and not re.search(r"[\s{}<>%$/\\]|^https?:", value)
        and not is_placeholder(value)
    ):
        mixed = bool(re.search(r"\d", value)) and bool(re.search(r"[A-Za-z]", value))
        if entropy(value) >= 3.4 and mixed and not re.fullmatch(r"[A-Z][A-Z0-9_]*|[a-z][a-z_.-]*", value):
            out.add("secret-in-source", f"`{name}` holds a random value.", line=line, seed="entropy", confidence=0.8)


def _is_pattern(text: str) -> bool:
    return bool(re.search(r"\[[^\]]*\][+*{]|\\[bdws]|\(\?:", text))


def check_comments(module: Module, out: Collector) -> None:
    """Comments that tell a scanner to look away."""
    for comment in module.comments:
        text = comment.text[:2000]
        if _SUPPRESS.search(text):
            out.add(
                "suppression-comment",
                "A suppression comment stands in the submission; it has no effect here.",
                line=comment.line,
                seed="suppress",
            )
        elif _STYLE.search(text):
            out.add("style-comment", "A style suppression.", line=comment.line, seed="style")


def check_lines(source: str, out: Collector) -> None:
    """Lines no person can read."""
    for number, line in enumerate(source.split("\n"), 1):
        if len(line) > 2000 and not re.fullmatch(r"\s*(?:[\w.]+\s*=\s*)?[\"'\[(].*", line[:200] + line[-1:]):
            out.add("unreadable-line", f"A line of {len(line)} characters.", line=number, seed="huge", confidence=0.75)
        elif re.search(r"(?:;|\))\s{60,}\S", line):
            out.add(
                "unreadable-line",
                "Code stands far to the right of the visible text.",
                line=number,
                seed="pushed",
                confidence=0.8,
            )
        elif len(re.findall(r"\b_0x[0-9a-f]{4,}", line)) > 3:
            out.add("unreadable-line", "Names of a packer.", line=number, seed="packed", confidence=0.8)
