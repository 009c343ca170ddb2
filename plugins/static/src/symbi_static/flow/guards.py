"""Guards: what a condition proves of a variable, so that checked input is not called unchecked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from symbi_static.flow.values import KINDS, UNKNOWN, Val
from symbi_static.ir.nodes import Attr, Call, Expr, Index, Name
from symbi_static.rules.patterns import is_explosive

if TYPE_CHECKING:
    from symbi_static.flow.values import Scope

__all__ = ["PROBES", "call_facts", "compare_facts", "key_of", "narrow", "pattern_proves", "removal_proves"]

Facts = frozenset[tuple[str, str]]
_NONE: Facts = frozenset()
PROBES = {
    "shell": ("a;b", "a b", "$(x)", "a|b", "`x`", "a&b", "a\nb", "a>b"),
    "code": ("a()", "a.b", "__x__", "a[0]", "lambda:0", "a(b)"),
    "sql": ("a'b", "a b", 'a"b', "a;b", "a)b"),
    "path": ("../x", "/etc/x", "..", "..\\x", "a/../../b"),
    "url": ("http://evil.test", "//evil.test", "a@evil.test", "evil.test", "http://169.254.169.254/"),
    "html": ("<x>", "a<b", '"><i'),
    "template": ("{{x}}", "${x}", "{x}", "<%x%>"),
}
_WORD_TESTS = {"isalnum", "isdigit", "isidentifier", "isalpha", "isdecimal", "isnumeric"}


def key_of(node: Expr | None) -> str | None:
    """The name under which a variable or a field of one is known; `str(x)` and `x.strip()` speak of `x`."""
    match node:
        case Name(id=name):
            return name
        case Attr(obj=obj, name=name):
            inner = key_of(obj)
            return f"{inner}.{name}" if inner else None
        case Call(fn=Name(id="str" | "String"), args=[inner_node]):
            return key_of(inner_node)
        case Call(
            fn=Attr(obj=obj, name="lower" | "strip" | "upper" | "as_posix" | "toLowerCase" | "trim" | "toString"),
            args=[],
        ):
            return key_of(obj)
        case _:
            return None


def narrow(scope: Scope, facts: Facts) -> None:
    """Apply what is proved to the variables of a scope."""
    for name, kind in facts:
        value = scope.vars.get(name)
        if value is None:
            value = scope.find(name)
        if value is not None:
            scope.vars[name] = replace(value, safe=value.safe | (KINDS if kind == "all" else {kind}))


def _whole(key: str | None) -> Facts:
    return frozenset({(key, "all")}) if key else _NONE


def _speaks_of_host(node: Expr | None, value: Val) -> bool:
    return value.ref.endswith((".hostname", ".netloc", ".host", ".origin")) or (
        isinstance(node, Attr) and node.name in ("hostname", "netloc", "host", "origin")
    )


def _host_facts(node: Expr | None, value: Val) -> Facts:
    """A checked host makes the URL safe that it was taken from, and the parsed URL too."""
    if not _speaks_of_host(node, value):
        return _NONE
    parsed = key_of(node.obj) if isinstance(node, Attr) else None
    return frozenset((name, "url") for name in {*value.about, *([parsed] if parsed else [])})


def compare_facts(op: str, nodes: list[Expr], values: list[Val]) -> tuple[Facts, Facts]:
    """What `a == b` or `a in b` proves when it holds, and when it does not."""
    left, right = values
    proved: Facts = _NONE
    if op in ("in", "not in", "==", "!=", "is", "is not"):
        if not right.has("input", "net", "sock"):
            proved = _whole(key_of(nodes[0])) if not (right.const is None or _empty(right)) else _NONE
            if isinstance(right.const, str) and op in ("in", "not in"):
                proved = _NONE
            proved |= _host_facts(nodes[0], left)
        if op in ("==", "!=") and "commonpath" in left.ref:
            proved |= frozenset((name, "path") for name in left.about)
        if op in ("in", "not in") and isinstance(nodes[1], Attr) and nodes[1].name == "parents":
            inside = key_of(nodes[1].obj)
            proved = frozenset({(inside, "path")}) if inside and "resolved" in right.tags else _NONE
    return (_NONE, proved) if op in ("not in", "!=", "is not") else (proved, _NONE)


def _empty(value: Val) -> bool:
    return (
        value.const in ("", 0, False, None, b"")
        if value.const is not UNKNOWN and not isinstance(value.const, tuple)
        else False
    )


def call_facts(node: Call, ref: str, base: Val | None, args: list[Val]) -> tuple[Facts, Facts]:
    """What a call used as a condition proves."""
    name = ref.rsplit(".", 1)[-1]
    holder = node.fn.obj if isinstance(node.fn, Attr) else None
    key = key_of(holder)
    if name in _WORD_TESTS and key:
        return _whole(key), _NONE
    if name == "is_relative_to" and base is not None and "resolved" in base.tags and key:
        return frozenset({(key, "path")}), _NONE
    if name in ("startswith", "startsWith") and base is not None and args:
        return _prefix_facts(key, base, args[0])
    if name in ("endswith", "endsWith") and base is not None and args and _dotted(args[0]):
        return _host_facts(holder, base), _NONE
    if (
        name in ("includes", "has", "hasOwnProperty", "hasOwn")
        and base is not None
        and not base.has("input")
        and node.args
        and args
    ):
        proved = _whole(key_of(node.args[-1])) if base.text() is None else _NONE
        return proved | _host_facts(node.args[-1], args[-1]), _NONE
    if name in ("fullmatch", "match", "search", "test"):
        return _pattern_facts(node, name, base, args)
    return _NONE, _NONE


def _dotted(suffix: Val) -> bool:
    """Whether a suffix, or each of a tuple of them, begins with a dot: `.example.com`, not `example.com`."""
    words = suffix.const if isinstance(suffix.const, tuple) else (suffix.text(),)
    return bool(words) and all(isinstance(word, str) and word.startswith(".") for word in words)


def _prefix_facts(key: str | None, base: Val, prefix: Val) -> tuple[Facts, Facts]:
    if base.ref.endswith((".relative()", ".relpath()")) and prefix.text() in ("..", "../"):
        return _NONE, frozenset((name, "path") for name in base.about)
    text = prefix.text() or prefix.shape or ""
    if re.match(r"https?://[^/\x00\x01]+[/?]", text) and key:
        return frozenset({(key, "url")}), _NONE
    if "resolved" in base.tags and not prefix.has("input"):
        names = ({key} if key else set()) | set(base.about)
        return frozenset((name, "path") for name in names), _NONE
    return _NONE, _NONE


def _pattern_facts(node: Call, name: str, base: Val | None, args: list[Val]) -> tuple[Facts, Facts]:
    pattern: str | None
    subject: Expr | None
    if base is not None and base.ref in ("re", "regex") and len(args) >= 2:
        pattern, subject = args[0].text(), node.args[1]
    elif (base is not None and base.ref == "re.compile()") or (base is not None and "pattern" in base.tags):
        pattern, subject = base.shape, node.args[0] if node.args else None
    elif base is not None and name in ("match", "search") and args and "pattern" in args[0].tags:
        pattern, subject = args[0].shape, getattr(node.fn, "obj", None)
    else:
        return _NONE, _NONE
    key = key_of(subject)
    if pattern is None or key is None:
        return _NONE, _NONE
    how = {"test": "search"}.get(name, name)
    kinds = pattern_proves(pattern, how)
    return frozenset((key, kind) for kind in kinds), _NONE


def pattern_proves(pattern: str, how: str) -> frozenset[str]:
    """The kinds whose probes a pattern refuses; a pattern that does not compile proves nothing."""
    if len(pattern) > 300 or is_explosive(pattern):
        return frozenset()
    try:
        matcher = getattr(re.compile(pattern), how)
    except (re.error, RecursionError, OverflowError):
        return frozenset()
    return frozenset(kind for kind, probes in PROBES.items() if not any(matcher(probe) for probe in probes))


def removal_proves(pattern: str, replacement: str) -> frozenset[str]:
    """The kinds that are safe after `re.sub(pattern, replacement, x)`."""
    if len(pattern) > 300 or is_explosive(pattern):
        return frozenset()
    dangerous = {"shell": r"[;$|`&\n> ]", "code": r"[().\[\]]", "sql": r"['\" ;)]", "path": r"\.\.|[/\\]", "url": r"[:/@.]", "html": r"[<>\"]", "template": r"[{}<%$]"}  # fmt: skip  # noqa: E501  # one list, one place
    try:
        compiled = re.compile(pattern)
        return frozenset(
            kind
            for kind, probes in PROBES.items()
            if not any(re.search(dangerous[kind], compiled.sub(replacement, probe)) for probe in probes)
        )
    except (re.error, RecursionError, IndexError):
        return frozenset()


def index_key(node: Expr) -> str | None:
    """The variable whose element is taken."""
    return key_of(node.obj) if isinstance(node, Index) else None
