"""Markdown to Slack's own markup."""

from __future__ import annotations

import re

__all__ = ["to_mrkdwn"]

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_LINK = re.compile(r"\[([^\]\n]{1,500})\]\((https?://[^)\s|]{1,2000})\)")
_BOLD = re.compile(r"(?:\*\*|__)(?=\S)([^\n]{1,2000}?)(?<=\S)(?:\*\*|__)")
_STRIKE = re.compile(r"~~(?=\S)([^\n]{1,2000}?)(?<=\S)~~")
_HEADING = re.compile(r"^#{1,6}[ \t]+([^\n]{1,500})$", re.MULTILINE)
_BULLET = re.compile(r"^([ \t]{0,12})[-*+][ \t]+", re.MULTILINE)
_FENCE_LANGUAGE = re.compile(r"^```[^\n`]*\n")


def to_mrkdwn(text: str) -> str:
    """Return Markdown as `mrkdwn`: bold, strike, links, headings and bullets; `&`, `<` and `>` escaped, code left as it is.

    Mentions that an agent writes (`<!channel>`) come out as text: nobody is called by what a model says.
    """
    pieces = _CODE.split(text)
    return "".join(_code(piece) if index % 2 else _prose(piece) for index, piece in enumerate(pieces))


def _code(piece: str) -> str:
    return _escape(_FENCE_LANGUAGE.sub("```\n", piece))


def _prose(piece: str) -> str:
    piece = _escape(piece)
    piece = _BULLET.sub(r"\1• ", piece)
    piece = _BOLD.sub(r"*\1*", piece)
    piece = _STRIKE.sub(r"~\1~", piece)
    piece = _HEADING.sub(lambda found: f"*{found[1].strip('* ')}*", piece)
    return _LINK.sub(r"<\2|\1>", piece)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
