"""The stores where browsers keep cookies and passwords."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

PROFILE = r"(?:Chrome|Chromium|google-chrome|Default|Profile\s?\d+|Brave[\w -]*|Edge|User Data|Network|Opera[\w -]*|Vivaldi|Arc|Firefox|Safari|Library)"  # noqa: E501  # an expression is read in one piece
AFTER = r"""(?:["'\s;,)`\]]|\.binarycookies|$)"""

RULE = ScannerRule(
    id="credential-browser-cookies",
    category="credential",
    severity="high",
    message="Refers to the cookie or password store of a browser",
    check=(
        Pattern(r"\bcookies\.sqlite\b|\bkey[34]\.db\b|\blogins\.json\b"),
        Pattern(
            r"""(?:[/\\"'=]|\b(?:cp|cat|sqlite3|copy|steal|read|dump|from)\s(?:.*[\s/"'])?)Login\\? Data\b""",
            ignore_case=False,
        ),
        Pattern(rf"\b{PROFILE}[/\\]+(?:[\w ]+[/\\]+)?Cookies{AFTER}", unless=r"https?://\S+", ignore_case=False),
        Pattern(
            rf"\b(?:cp|cat|mv|scp|sqlite3|copy|open|tar|zip|steal|dump)\b[^|;&]*[/\\]Cookies{AFTER}",
            unless=r"https?://\S+",
            ignore_case=False,
        ),
        Pattern(
            rf"(?:~|\$\{{?\w+\}}?|%\w+%|/home/|/Users/|/root/)[^\s\"'`]*[/\\]Cookies{AFTER}",
            unless=r"https?://\S+",
            ignore_case=False,
        ),
    ),
    bad=(
        "cp ~/.mozilla/firefox/x.default/cookies.sqlite /tmp",
        'cat "$P/Google/Chrome/Default/Login Data"',
        "~/.config/google-chrome/Default/Cookies",
        "open('key4.db')",
        "logins.json",
    ),
    good=(
        "the site sets cookies",
        "requests.get(u, cookies=jar)",
        "enter your login data below",
        "https://developer.mozilla.org/docs/Web/HTTP/Cookies",
        "import Cookies from './lib/Cookies.js'",
    ),
    remediation="Ask the user to log in; never read a browser's store.",
    references=("https://attack.mitre.org/techniques/T1555/003/",),
    tags=("secret",),
)
