"""Shell, HTML, URL and escape disguises of one line, taken off."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

from symbi_skills.text.unicode import fold

__all__ = ["join_strings", "join_words", "read_backwards", "unmask"]

_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_ROT13 = str.maketrans(_UPPER + _LOWER, _UPPER[13:] + _UPPER[:13] + _LOWER[13:] + _LOWER[:13])
_QUOTED = re.compile(r"""'([^']{4,})'|"([^"]{4,})"|<<<\s*([^\s|;'"]{4,})""")
_IFS = re.compile(r"\$\{IFS[^}]*\}|\$IFS(?:\$\d)?")
_EMPTY = re.compile(r"(?<=[\w/.-])(?:''|\"\"|``|\$@|\$\*|\$\{[@*]\}|\$\(\)|\$\{[A-Za-z_]\w*:?[-+]?\})(?=[\w/.-])")
_BACKSLASH = re.compile(r"(?<![\\\w])((?:\w*\\)+\w+)")
_QUOTED_PIECE = re.compile(
    r"""(?<=[A-Za-z])(["'])([\w./-]{0,12})\1(?=[A-Za-z\s|;]|$)|(?<![\w])(["'])([\w./-]{1,12})\3(?=[A-Za-z])"""
)
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u\{?([0-9a-fA-F]{4,6})\}?|U([0-9a-fA-F]{8})|([0-3]?[0-7]{2}))")
_BRACES = re.compile(r"\{((?:[^\s{},]+,)+[^\s{},]+)\}")
_CONCAT = re.compile(r"""(["'`])\s*(?:\+|\.|\.\.|&)\s*(?:[bBuUrRfF]{0,2})(["'`])""")
_ADJACENT = re.compile(r"""(["'])\s+[bBuUrRfF]{0,2}\1""")
_COMMA = re.compile(r"""["']\s*,\s*[fFbBrR]?["']""")
_CHR_CALL = re.compile(
    r"(?:\bchr\s*\(|\bString\.from(?:CharCode|CodePoint)\s*\(|\bbytes(?:array)?\s*\(\s*\[)\s*((?:0x[0-9a-fA-F]+|\d+)(?:\s*,\s*(?:0x[0-9a-fA-F]+|\d+))*)\s*\]?\s*\)"
)


def _unescape(match: re.Match[str]) -> str:
    digits, base = next((group, 8 if index == 3 else 16) for index, group in enumerate(match.groups()) if group)
    code = int(digits, base)
    return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


def _characters(match: re.Match[str]) -> str:
    codes = [
        int(number, 0)
        for number in re.findall(r"0x[0-9a-fA-F]+|\d+", match.group(1))
        if not (number[0] == "0" and number.isdigit() and len(number) > 1)
    ]
    return '"' + "".join(chr(code) for code in codes if 9 <= code < 0xD800) + '"'


def _plain_word(match: re.Match[str]) -> str:
    return match.group(1).replace("\\", "")


def unmask(line: str) -> str:
    """Return the line without Unicode tricks, empty quotes, backslashes in words, `${IFS}`, brace lists, escapes and entities."""
    text = line if line.isascii() else fold(line)
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text, errors="replace")
    if "\\" in text:
        text = _ANSI.sub(lambda match: _ESCAPE.sub(_unescape, match.group(1)), text) if "$'" in text else text
        text = _ESCAPE.sub(_unescape, text)
    if "$" in text:
        text = _IFS.sub(" ", text)
    if "(" in text:
        text = _CHR_CALL.sub(_characters, text)
    if "'" in text or '"' in text or "`" in text or "$" in text:
        text = _without_quotes(join_strings(text))
    if "{" in text:
        text = _BRACES.sub(lambda match: match.group(1).replace(",", " "), text)
    if "\\" in text:
        text = _BACKSLASH.sub(_plain_word, text)
    return text if text.isascii() else fold(text)


def _without_quotes(text: str) -> str:
    for _ in range(3):
        before = text
        text = _EMPTY.sub("", text)
        text = _QUOTED_PIECE.sub(lambda match: match.group(2) or match.group(4) or "", text)
        if text == before:
            break
    return text


def read_backwards(line: str) -> str:
    """Return the line with its quoted texts reversed and rotated by 13 letters, for `rev` and `tr`."""
    texts = [text for pair in _QUOTED.findall(line) for text in pair if text]
    return " ; ".join([*(text[::-1] for text in texts), *(text.translate(_ROT13) for text in texts)])


def join_strings(text: str) -> str:
    """Return the text with string literals joined that a plus, a dot or nothing stands between."""
    return _ADJACENT.sub("", _CONCAT.sub(lambda match: "" if match.group(1) == match.group(2) else match.group(), text))


def join_words(text: str) -> str:
    """Return the text with the commas of an argument list as blanks: `["rm", "-rf", "/"]` reads `rm -rf /`."""
    return _COMMA.sub(" ", text).replace("['", " ").replace('["', " ").replace("']", " ").replace('"]', " ")
