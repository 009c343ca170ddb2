"""Code from a paste site, where it changes without a trace."""

from __future__ import annotations

from symbi.contracts.scanner import Pattern, ScannerRule

RULE = ScannerRule(
    id="paste-site",
    category="campaign",
    severity="medium",
    message="Takes code or data from a paste site",
    check=Pattern(
        r"https?://(?:www\.)?(?:pastebin\.com/raw|hastebin\.com|rentry\.(?:co|org)|glot\.io|paste\.ee|dpaste\.(?:com|org)|ghostbin\.\w+|controlc\.com|transfer\.sh|file\.io|temp\.sh|0x0\.st|webhook\.site|[\w-]+\.ngrok(?:-free)?\.\w+|[\w-]+\.trycloudflare\.com|requestbin\.\w+)/?\S*"
    ),
    bad=("curl https://pastebin.com/raw/abc", "see https://glot.io/snippets/x", "POST to https://webhook.site/1-2"),
    good=("https://pastebin.com is a site", "https://github.com/a/b", "https://docs.example/paste.ee"),
    remediation="Ship the code with the skill.",
    references=("https://attack.mitre.org/techniques/T1102/",),
    tags=("download",),
    default=False,
)
