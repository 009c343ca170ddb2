"""Pieces that several rules share, in RE2 syntax: shells, what stands before a command, what ends a word."""

from __future__ import annotations

__all__ = ["BEGIN", "END", "FETCH", "HERE", "HOME", "INTERPRETER", "PIPED", "RUN", "SEP", "SHELL", "SHELL_ARGUMENT"]

END = r"""(?:[\s;&|)"'`<>\]},]|$)"""
"""What may follow a command word."""

BEGIN = r"""(?:^|[^\w./@$-])(?:/(?:\w+/)*)?"""
"""What may stand before a command word: no letter, no option dash, but a path."""

HERE = r"""(?:^\s*(?:[$#>%]\s+)?|[;&|(`]\s*|\$\(\s*|\b(?:do|then|else|sudo|exec|time)\s+)"""
"""The place of a command in a shell line."""

SHELL = r"""(?:[\w.~/{}$-]*/)?(?:ba|z|da|k|a|fi|c|tc)?sh"""
"""A shell by name or path."""

SHELL_ARGUMENT = rf"""["']?(?:{SHELL}{END}|(?:[\w./\\:-]*[/\\])?(?:cmd|powershell|pwsh)(?:\.exe)?{END})"""
"""A shell as the argument of an option."""

INTERPRETER = (
    rf"""(?:{SHELL}{END}|\$\{{?(?:SHELL|BASH)\b"""
    r"""|(?:[\w./-]*/)?(?:python[\d.]*|perl|ruby|node|php|pwsh|osascript)(?:\s*$|\s*[;&|)"'`]|\s+-(?:\s|$|["';]))"""
    r"""|(?:source|\.)\s+/dev/(?:stdin|fd/0))"""
)
"""A shell, or an interpreter that reads its program from standard input (`python -m json.tool` does not)."""

RUN = r"""(?:(?:[\w./-]*/)?(?:sudo|doas|env|exec|nohup|command|time|nice|busybox|setsid|stdbuf|xargs)\s+(?:[^\s|;&]+\s+){0,5}?){0,3}"""
"""Words that run the command after them, with their options."""

PIPED = rf"""\|&?\s*["'(]?\s*{RUN}["']?{INTERPRETER}"""
"""A pipe into something that runs what it reads."""

FETCH = r"""\b(?:fetch\w*|request\w*|http\w*|curl|wget|urlopen|urllib\w*|axios|httpx|aiohttp|urlretrieve|XMLHttpRequest|UrlFetchApp)\b"""
"""A word that gets something from the network."""

HOME = r"""(?:~|\$\{?HOME\}?|%USERPROFILE%|\$env:USERPROFILE|/root|/home/[^\s/]+|/Users/[^\s/]+)"""
"""A home directory, in the shapes people write."""

SEP = r"""(?:[/\\]+|["']\s*[,/]\s*["'])"""
"""What parts the steps of a path: a slash, or the comma of a join."""
