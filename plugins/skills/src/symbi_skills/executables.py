"""The allow-list of programs: shebangs in every form, and the command words of shell scripts and fenced shell code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch

from symbi.contracts.scanner import Finding
from symbi_skills.filescan import meta_finding

__all__ = ["commands_of", "disallowed"]

_SHEBANG = re.compile(r"^#!\s*(\S+)([^\n]*)")
_ASSIGN = re.compile(r"^\w+=\S*$")
_FENCE = re.compile(r"^\s*(?:```|~~~)\s*(\w*)")
_SPLIT = re.compile(r"\|\||&&|[;|&\n]|\$\(|`")
_KEYWORDS = {
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "for",
    "while",
    "until",
    "do",
    "done",
    "case",
    "esac",
    "in",
    "function",
    "select",
    "time",
    "{",
    "}",
    "!",
    "[[",
    "]]",
    "[",
    "echo",
    "cd",
    "export",
    "set",
    "unset",
    "local",
    "return",
    "exit",
    "read",
    "shift",
    "test",
    "true",
    "false",
    "source",
    ".",
    "printf",
    "trap",
    "eval",
    "exec",
    "wait",
    "declare",
    "readonly",
    "break",
    "continue",
    "pwd",
    "alias",
    "command",
    "type",
    "let",
    ":",
    "umask",
    "getopts",
}
_PREFIXES = {
    "sudo",
    "env",
    "exec",
    "nohup",
    "command",
    "time",
    "nice",
    "then",
    "do",
    "else",
    "!",
    "xargs",
    "if",
    "while",
    "elif",
    "until",
}
_SHELL_FENCES = {"sh", "bash", "shell", "zsh", "console", "shellsession"}


def disallowed(path: str, text: str, allowed: tuple[str, ...]) -> list[Finding]:
    """Return a finding for each program of the file that no entry allows: an exact name, a family (`python`) or a glob (`py*`)."""
    found: list[Finding] = []
    seen: set[str] = set()
    for name, line in commands_of(path, text):
        if name not in seen and not _allows(name, allowed):
            seen.add(name)
            found.append(
                meta_finding(
                    "executable-not-allowed",
                    path,
                    name,
                    line=line,
                    text=text.split("\n")[line - 1][:400],
                    context="script",
                )
            )
    return found


def _allows(name: str, allowed: tuple[str, ...]) -> bool:
    family = re.sub(r"[\d.]+$", "", name)
    return any(name == entry or family == entry or fnmatch(name, entry) for entry in allowed)


def commands_of(path: str, text: str) -> Iterator[tuple[str, int]]:
    """Yield program names and 1-based lines."""
    shebang = _SHEBANG.match(text)
    program = ""
    if shebang:
        program = _interpreter(shebang.group(1), shebang.group(2).split())
        yield program, 1
    if path.endswith((".sh", ".bash", ".zsh")) or re.fullmatch(r"(?:ba|z|da|k|a)?sh", program):
        yield from _shell(text.split("\n"), 1)
    elif path.endswith((".md", ".markdown")):
        yield from _fenced(text)


def _interpreter(path: str, words: list[str]) -> str:
    name = path.rsplit("/", 1)[-1]
    if name == "env":
        rest = [word for word in words if not word.startswith("-") and not _ASSIGN.match(word)]
        return rest[0].rsplit("/", 1)[-1] if rest else "env"
    return name


def _fenced(text: str) -> Iterator[tuple[str, int]]:
    language: str | None = None
    block: list[str] = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        fence = _FENCE.match(line)
        if fence and language is None:
            language, block, start = fence.group(1).lower(), [], number + 1
        elif fence:
            if language in _SHELL_FENCES:
                yield from _shell([each.removeprefix("$ ") for each in block], start)
            language = None
        else:
            block.append(line)
    if language in _SHELL_FENCES:
        yield from _shell(block, start)


def _shell(lines: list[str], first: int) -> Iterator[tuple[str, int]]:
    end = ""
    for number, line in enumerate(lines, first):
        if end:
            end = "" if line.strip() == end else end
            continue
        heredoc = re.search(r"<<-?\s*[\"']?(\w+)", line)
        if heredoc:
            end = heredoc.group(1)
        code = re.sub(r"(?:^|\s)#.*|'[^']*'|\"[^\"$`]*\"", " ", line)
        for piece in _SPLIT.split(code):
            words = [word.strip("()\"'") for word in piece.split()]
            while words and (
                _ASSIGN.match(words[0]) or words[0] in _PREFIXES or words[0].startswith("-") or not words[0]
            ):
                words.pop(0)
            if (
                words
                and re.fullmatch(r"[\w./+-]+", words[0])
                and words[0] not in _KEYWORDS
                and not words[0].endswith(")")
            ):
                yield words[0].rsplit("/", 1)[-1], number
