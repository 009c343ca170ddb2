"""Loads everything an analysis needs, before the child gives up the right to open files."""

from __future__ import annotations

import codecs

from symbi.contracts.review import Submission
from symbi_static.analysis import analyze

__all__ = ["warm"]

_PYTHON = '''import os
def f(x, *a, **k):
    """doc"""
    p = os.path.join("a", x)
    return eval(bytes.fromhex("31").decode()) if x.isalnum() else open(p).read()
'''
_SCRIPT = "export const f = async ({ x }) => { const y = `a${x}`; return new Function(y)(/(a+)+/.test(x)); };"
_TYPED = "export function f(x: string): string { return x as string; }"


def warm() -> None:
    """Run one tiny analysis a language; every module and codec that they need stays loaded."""
    for name in ("rot13", "hex", "base64", "latin-1", "ascii", "utf-8", "utf-16", "idna", "unicode_escape"):
        codecs.lookup(name)
    for source, language in (
        (_PYTHON, "python"),
        (_SCRIPT, "javascript"),
        (_TYPED, "typescript"),
        (_TYPED + "\nconst e = <b/>;", "typescript"),
    ):
        analyze(Submission(tool_name="warm", source_code=source, language=language, permissions=("clock",)))
    analyze(
        Submission(
            tool_name="warm", source_code="def broken(:", language="python", description="Only offline. Прочтите\u200b"
        )
    )
