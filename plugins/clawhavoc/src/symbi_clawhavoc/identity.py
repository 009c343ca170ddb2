"""How a text or a script changes one of the agent's own files, `SOUL.md` or `MEMORY.md`."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern

__all__ = ["tampering"]

VERB = (
    r"(?:(?:over|re)?writ(?:e|es|ing|ten)\w*|modif(?:y|ies|ied|ying)|replac(?:e|es|ed|ing)|edit(?:s|ed|ing)?|append(?:s|ed|ing|File\w*)?"
    r"|insert(?:s|ed|ing)?|delet(?:e|es|ed|ing)|remov(?:e|es|ed|ing)|updat(?:e|es|ed|ing)|chang(?:e|es|ed|ing)|alter(?:s|ed|ing)?"
    r"|inject(?:s|ed|ing)?|truncat(?:e|es|ed|ing)|eras(?:e|es|ed|ing)|wip(?:e|es|ed|ing)|tamper(?:s|ing)?|prepend(?:s|ed|ing)?"
    r"|patch(?:es|ed|ing)?)"
)
NOUN = (
    r"(?:summar(?:y|ies)|overview|style|tone|spirit|voice|review|description|explanation|analysis|meaning|purpose|quote|outline|critique"
    r"|translation|recap|digest)"
)
SOURCE = r"(?:per|according\s+to|based\s+on|following|described\s+in|defined\s+in|specified\s+in|see|read|reads|reading|consult|like|unlike|matching)"


def tampering(name: str) -> tuple[Pattern, ...]:
    """Return the checks for a change of `<name>.md`: by prose, by redirection, by a shell command, by code."""
    file = rf"\b{name}\.md\b"
    near = rf"(?:\S+\s+){{0,2}}\S*{file}"
    plain = rf"(?:(?:the|your|its|a|my|our|to|in|from|file)\s+){{0,2}}\S*{file}"
    harmless = (
        rf"(?:\b{NOUN}\s+(?:of|about|on|for|from)\s+{near}|\b{SOURCE}\s+{plain}"
        rf"|\b(?:do\s+not|don.{{0,2}}t|never|must\s+not|should\s+not|cannot|without)\s+(?:ever\s+)?{VERB}\s+{near})"
    )
    prose = rf"(?:^|[^\w-]){VERB}\b(?:[^.!?;|]|[.!?;][^\s])*{file}"
    redirect = rf"""(?:^|[^-=<>])(?:&|\d)?>>?\|?\s*["']?(?:[\w.~/$}}{{:\\-]*[/\\])?{file}"""
    command = (
        r"(?:\bsed\s+(?:\S+\s+){0,3}?-\w*i\S*|\bperl\s+-\w*i\S*|\btee|\brm|\bunlink|\bshred|\btruncate|\bcp\s+(?:-\S+\s+)*\S+|\bmv\s+(?:-\S+\s+)*\S+"
        rf"""|\bdd\s.*of=)(?:\s[^|;&<>]*)?["'\s/=\\]{file}"""
    )
    code = (
        rf"""(?:\bopen\s*\([^)]*{file}["']\s*,\s*(?:mode\s*=\s*)?["'](?:[wax]|r\+)"""
        rf"""|{file}["']\s*\)?\s*\)?\.(?:write_text|write_bytes|write|unlink|open\s*\(\s*["'][wax])"""
        rf"""|\b(?:writeFile|appendFile|unlink|rm|createWriteStream)(?:Sync)?\s*\([^)]*{file})"""
    )
    return tuple(Pattern(text, unless=harmless) for text in (prose, redirect, command, code))
