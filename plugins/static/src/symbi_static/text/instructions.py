"""Orders to the model in what it reads: two signals of different kinds within a bounded distance (toolreview.md §2.2, 5)."""

# ruff: noqa: E501  # tables of words and patterns read best one entry a line
from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TypedDict

from symbi_static.rules.collector import Collector
from symbi_static.text.characters import visible

__all__ = ["check_instructions", "check_reviewer_text"]

_MOST = 20_000
_SENSITIVE = (
    r"(?:~?/?\.ssh|id_rsa|id_ed25519|\.aws|\.env\b|mcp\.json|mcp_config|claude_desktop_config|\.cursor|credentials?|private keys?|passwords?|secrets?|api[_ -]?keys?|access[_ -]?tokens?|auth(?:entication)? tokens?|session tokens?|cookies|environment variables?|/etc/passwd"
    r"|system prompt|conversation(?: history| so far)?|chat history|previous messages|prior messages|entire context|full context|all messages|message history|user'?s (?:files|data|emails?|messages|location|personal)|personal (?:data|information)|wallet|seed phrase|browser history|home directory)"
)
_ACT = r"(?:read|open|cat|load|fetch|access|collect|gather|extract|retrieve|copy|obtain|dump|include|append|attach|pass|send|forward|upload|post|provide|put|insert|embed|supply|share|add|leak|exfiltrate|submit|transmit|encode|paste|write|store|email)"
_MUST = r"(?:you must|you should|you need to|you have to|you are required|must|always|first|before|prior to|make sure|be sure|ensure|remember to|it is (?:important|essential|critical|mandatory)|required|mandatory|important|otherwise|or else|will not work|won't work|in order to|please|also|silently|secretly|whenever|every time|each time|after (?:calling|using|each|every)|additionally|to (?:function|work) (?:correctly|properly))"
_OVERRIDE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|discard|do not follow|don't follow|stop following)\b[^.\n]{0,60}?\b(?:previous|prior|above|earlier|preceding|existing|system|other|all|any|your|safety|security)\b[^.\n]{0,40}?\b(?:instructions?|prompts?|rules?|guidelines?|directions?|restrictions?|policies|constraints|guardrails|safeguards|messages|checks)\b"
    r"|\byou are now\b[^.\n]{0,60}\b(?:unrestricted|jailbroken|DAN|developer mode|admin|root|no longer|free from|without restrictions)\b|\b(?:new|updated|real|actual) (?:system )?instructions?\s*:|\benter (?:developer|god|admin|debug) mode\b|\bact as (?:if you (?:are|were|have) )?(?:an? )?(?:unrestricted|unfiltered|jailbroken)\b",
    re.IGNORECASE,
)
_CONCEAL = re.compile(
    r"\b(?:do not|don't|never|without|must not|should not|mustn't|shouldn't|avoid|no need to|refrain from)\s+(?:ever\s+)?(?:explicitly\s+)?(?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|reveal(?:ing)?|show(?:ing)?|notify(?:ing)?|disclos(?:e|ing)|report(?:ing)?|alert(?:ing)?|display(?:ing)?|explain(?:ing)?|let(?:ting)?|ask(?:ing)?|discuss(?:ing)?|expos(?:e|ing)|say(?:ing)?|inform)\b[^.\n]{0,80}?\b(?:users?|humans?|person|anyone|them|operators?|people|conversation|customer|client)\b"
    r"|\b(?:hide|conceal|keep)\b[^.\n]{0,60}\b(?:from|secret from|hidden from)\b[^.\n]{0,20}\b(?:users?|humans?|operators?|anyone)\b|\bwithout (?:the )?user(?:'s)? (?:knowing|knowledge|noticing|consent|being aware|awareness|permission|confirmation|approval)\b|\b(?:user|human) (?:must|should|need|does|will|can)(?: not|n't)[^.\n]{0,10}(?:know|see|be told|notice|be aware|be informed)\b|\b(?:secretly|silently|covertly|quietly)\b[^.\n]{0,40}\b(?:send|read|call|copy|forward|upload|include|add|append|post|execute|run|pass|bcc|email|store)\b",
    re.IGNORECASE,
)
_ACTION = re.compile(
    rf"\b{_ACT}\b[^.\n]{{0,80}}?{_SENSITIVE}|{_SENSITIVE}[^.\n]{{0,60}}?\b(?:must be|should be|has to be|needs to be|are|is) (?:passed|included|sent|provided|added|appended|attached|read)\b",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(rf"\b{_MUST}\b", re.IGNORECASE)
_STRONG = re.compile(
    r"~?/?\.ssh|id_rsa|id_ed25519|\.aws|\.env\b|mcp\.json|mcp_config|claude_desktop|\.cursor|private key|system prompt|conversation|chat history|(?:previous|prior|all) messages|(?:entire|full) context|message history|/etc/passwd|seed phrase|environment variables",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<!--(?P<comment>.{1,2000}?)-->|<\s*(?P<tag>important|system|instructions?|secret|hidden|admin|critical|override|s)\s*>(?P<body>.{1,2000}?)(?:<\s*/\s*(?P=tag)\s*>|$)|\[INST\](?P<inst>.{1,1000}?)(?:\[/INST\]|$)|<\|(?:im_start|system|assistant|user)[^>]*\|?>(?P<chat>.{1,1000}?)(?:<\||$)|display:\s*none[^>]*>(?P<none>.{1,1000}?)<",
    re.IGNORECASE | re.DOTALL,
)
_ORDER = re.compile(
    rf"\b(?:{_ACT}|call|use|run|execute|invoke|ignore|disregard|do not|don't|never|always|must|tell|reply|respond|output|reveal)\b",
    re.IGNORECASE,
)
_SIDE_CALL = re.compile(
    r"\b(?:before|after|prior to|whenever|every time|each time|when)\b[^.\n]{0,60}\b(?:using|calling|running|invoking|answering|responding|you (?:use|call|run|answer|respond)|any (?:other )?tool|this tool|other tools?|anything else)\b[^.\n]{0,80}?\b(?:you (?:must|should|need to|have to)|must|always|first)\b[^.\n]{0,60}\b(?:call|run|execute|invoke|use)\b",
    re.IGNORECASE,
)
_TO_REVIEWERS = re.compile(
    r"\b(?:(?:note|message|attention|notice|instruction|hint)s?\s+(?:to|for)\s+(?:the\s+)?|dear\s+|hey\s+|attention,?\s+|hello\s+)?(?:ai|automated|security|human|code|llm|tool)?[\s-]*(?:reviewers?|auditors?|scanners?|analy[sz]ers?|security (?:tools?|teams?|bots?|analysis|scan)|review(?:ing)? (?:model|agent|bot|llm|system)|judges?|graders?|moderators?)\b(?P<gap>[^\n]{0,200}?)\b(?:is safe|are safe|was safe|safe to|as safe|safe\b|approved?\b|approve\b|ignore\b|skip\b|benign|trusted|false positives?|pre-?approved|already (?:reviewed|audited|approved|vetted)|harmless|low risk|no (?:issues|findings|risk|vulnerabilities)|do not flag|don't flag|nothing to (?:see|report)|whitelist|allowlist|risk[_ ]?score)"
    r"|\b(?:do not|don't|never|no need to|please don't)\s+(?:flag|report|scan|analy[sz]e|review)\s+(?:this|the (?:following|code|function|file|tool)|below|it)\b|\b(?:mark|classify|rate|score|treat|label|grade|consider)\s+(?:it|this(?: \w+)?|the (?:tool|code|submission|file))\s+(?:as\s+)?(?:safe|benign|low[- ]risk|harmless|clean|approved|trusted|risk[- ]free|0\b|zero)"
    r"|\b(?:set|assign|return|give|output|report)\b[^.\n]{0,30}\brisk[_ -]?score\b[^.\n]{0,20}(?:\b0\b|\bzero\b|\blow\b|\b[0-9]\b)|\bthis (?:code|tool|file|function|plugin|package|source|submission|module) (?:is|has been|was) (?:already |previously |fully )?(?:pre-?approved|security[- ]?(?:reviewed|audited|approved|cleared)|audited|vetted|certified|verified (?:as |to be )?safe|known (?:to be )?safe|approved by)",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(
    r"\b(?:reviewers?|auditors?|scanners?|analy[sz]ers?|judges?)\s*[:,!—-]|\b(?:note|message|attention|notice|dear|instruction|hint)s?\b[^.\n]{0,20}\b(?:reviewers?|auditors?|scanners?|analy[sz]ers?|judges?|security)|\b(?:ai|llm|automated|security|human)[\s-]+(?:reviewers?|auditors?|scanners?|analy[sz]ers?|judges?)",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:always|must|only|should always)\s+(?:use|call|prefer|choose|select)\s+(?:this|it)(?:\s+(?:tool|one|function|version))?[^.\n]{0,30}\b(?:instead of|rather than|over|in place of|before)\b\s+(?:the\s+|any\s+|all\s+)?(?P<a>[\w./-]+(?:\s+\w+){0,2})"
    r"|\b(?:do not|don't|never|stop|must not|should not)\s+(?:use|call|using|calling|invoke|trust)\s+(?:the\s+)?(?P<b>(?:other|any other|built-?in|official|existing|original|default)\b[\w\s-]{0,30}\b(?:tools?|servers?|functions?|versions?)|[\w.-]*_[\w.-]+|`[^`]+`)[^.\n]{0,100}\b(?:use|call|prefer)\s+(?:this|me)\b"
    r"|\b(?:when|whenever|if|before|after|every time|each time)\b[^.\n]{0,50}\b(?:using|calling|use|call|invoke|invoking|uses|calls|runs?|running|called|invoked|sends?|sending)\b[^.\n]{0,20}?(?P<c>`[^`]+`|\b[a-z0-9]+_[a-z0-9_]+\b|\b(?:the\s+)?(?:\w+\s+){1,2}(?:tool|server)\b|\bother tools?\b|\bany (?:other )?tool\b)[^.\n]{0,120}?\b(?:must|always|set|change|replace|add|bcc|cc|redirect|modify|override|also|instead|first|append|prepend|substitute|route)\b"
    r"|\b(?:when|whenever|if|once|every time|each time)\b\s+(?:the\s+|an?\s+)?(?P<f>`[^`]+`|[a-z0-9]+_[a-z0-9_]+|\w+(?=\s+(?:tool|server)\b))(?:\s+(?:tool|server|function))?\s+(?:is|gets|has been|was)\s+(?:used|called|invoked|run|triggered|available|present)\b[^.\n]{0,120}?\b(?:must|always|set|change|replace|add|bcc|cc|redirect|modify|override|also|instead|first|append|prepend|route)\b"
    r"|\bthis (?:tool |server |function )?(?:replaces|supersedes|overrides|takes precedence over|shadows|has priority over)\s+(?:the\s+)?(?P<d>[\w./`-]+(?:\s+\w+){0,2})"
    r"|(?P<e>\b[a-z0-9]+_[a-z0-9_]+\b|`[^`]+`|\bthe (?:official|original|other|built-?in) \w+(?: tool| server)?)\s+(?:tool |server |function )?(?:is|are|has been|was)\s+(?:now\s+)?(?:deprecated|broken|compromised|insecure|unsafe|disabled|obsolete|unreliable)\b[^\n]{0,120}\b(?:use|call|prefer)\s+this\b",
    re.IGNORECASE,
)


def check_instructions(text: str, where: str, line: int | None, own_names: frozenset[str], out: Collector) -> None:
    """Run all rules on one text that a model will read."""
    plain = re.sub(r"[ \t]+", " ", visible(text[:_MOST]))
    spot = partial(_place, plain, where, line)
    found = _OVERRIDE.search(plain)
    if found:
        out.add("instruction-override", f"Says: {_quote(found)}", seed="override", **spot(found))
    found = _CONCEAL.search(plain)
    if found and (_ORDER.search(plain) or where != "source"):
        out.add("hide-from-user", f"Says: {_quote(found)}", seed="conceal", **spot(found))
    _check_markup(plain, spot, out)
    for match in _ACTION.finditer(plain):
        near = plain[max(0, match.start() - 200) : match.end() + 200]
        if not _IMPERATIVE.search(near):
            continue
        if not _STRONG.search(match.group()) and not re.search(
            r"\byou must|\byou should also|\b(?:before|after|when|whenever) (?:using|calling|you|any|this)|will not work|silently|secretly",
            near,
            re.IGNORECASE,
        ):
            continue
        if re.search(
            r"\b(?:never|do not|don't|does not|doesn't|must not|cannot|not)\b[^.\n]{0,30}$",
            plain[max(0, match.start() - 40) : match.start()],
            re.IGNORECASE,
        ):
            continue
        read = re.match(
            r"(?:read|open|cat|load|fetch|access|collect|gather|extract|retrieve|list|dump|look up)",
            match.group(),
            re.IGNORECASE,
        )
        out.add("hidden-action" if read else "data-request", f"Says: {_quote(match)}", seed="action", **spot(match))
        break
    found = _SIDE_CALL.search(plain)
    if found and not _own(found.group() + plain[found.end() : found.end() + 60], own_names):
        out.add("hidden-action", f"Says: {_quote(found)}", seed="side", confidence=0.8, **spot(found))
    for match in _OTHER.finditer(plain):
        other = next((group for group in match.groups() if group), "").strip("`. ")
        if _is_other(other, match.group(), own_names):
            out.add("other-tool-orders", f"Says: {_quote(match)}", seed="other", **spot(match))
            break
    check_reviewer_text(plain, where, line, out)


class _Place(TypedDict):
    line: int | None
    end: int | None
    where: str


def _place(plain: str, where: str, line: int | None, match: re.Match[str]) -> _Place:
    """Where a match stands: the text starts at `line`, and its own line breaks count on."""
    if line is None:
        return {"line": None, "end": None, "where": where}
    start = line + plain.count("\n", 0, match.start())
    return {"line": start, "end": start + match.group().count("\n"), "where": where}


def _quote(match: re.Match[str]) -> str:
    return repr(match.group()[:140])


def _check_markup(plain: str, spot: Callable[[re.Match[str]], _Place], out: Collector) -> None:
    for match in _MARKUP.finditer(plain):
        inner = next(
            (match.group(name) for name in ("comment", "body", "inst", "chat", "none") if match.group(name)), ""
        )
        if _ORDER.search(inner) and len(inner.split()) >= 3 and (match.group("tag") or "").lower() != "s":
            out.add("hidden-markup", f"Says: {inner.strip()[:140]!r}", seed="markup", **spot(match))
            return


def _own(text: str, names: frozenset[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in names if len(name) >= 3)


def _is_other(other: str, whole: str, names: frozenset[str]) -> bool:
    bare = re.sub(r"^(?:the|any|all)\s+|\s+(?:tool|server|function)s?$", "", other, flags=re.IGNORECASE)
    if bare in names or other in names or re.search(r"[.@:]|__", bare):
        return False
    if re.search(r"_|`|tool|server|official|built-?in|original|other", other + " " + whole[:0], re.IGNORECASE):
        return bare.lower() not in {"this", "the", "a", "it", "that", "which"} and not re.match(
            r"(?:the\s+)?(?:this|same|right|current)\b", other, re.IGNORECASE
        )
    return (
        bool(re.search(rf"\b{re.escape(other.split()[0])}\b\s+(?:tool|server|function|api)", whole, re.IGNORECASE))
        if other
        else False
    )


def check_reviewer_text(text: str, where: str, line: int | None, out: Collector) -> None:
    """Text that speaks to reviewers, scanners or a judging model."""
    found = _TO_REVIEWERS.search(text[:_MOST])
    if found is None:
        return
    if found.group("gap") is not None and not _ADDRESSED.search(found.group()):
        return
    out.add("text-to-reviewers", f"Says: {_quote(found)}", seed="reviewers", **_place(text, where, line, found))
