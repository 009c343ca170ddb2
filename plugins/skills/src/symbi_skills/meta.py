"""Findings of the scanner itself: about the text, about what it could not read, and about things that are bad only together."""

from __future__ import annotations

import msgspec

from symbi.contracts.scanner import Severity

__all__ = ["META", "MetaRule"]


class MetaRule(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that no pattern makes."""

    id: str
    category: str
    severity: Severity
    message: str
    remediation: str = ""


_ALL = (
    (
        "hidden-unicode",
        "text",
        "high",
        "Invisible or direction-changing characters hide something",
        "Delete the characters.",
    ),
    (
        "confusable-text",
        "text",
        "medium",
        "A word imitates another with letters of a second script",
        "Write the word in one script.",
    ),
    ("unusual-encoding", "text", "warning", "The text is not plain UTF-8", "Save the file as UTF-8."),
    (
        "obfuscated-text",
        "text",
        "high",
        "Text is encoded more often than there is a good reason for",
        "Write it in clear text.",
    ),
    ("unreadable", "coverage", "high", "The file could not be read", "Make it a readable regular file, or remove it."),
    (
        "over-limit",
        "coverage",
        "high",
        "A limit of the scan was reached; what is beyond it was not inspected",
        "Split it up, or raise the limit.",
    ),
    (
        "opaque-binary",
        "coverage",
        "high",
        "Binary content cannot be inspected",
        "Ship the source; build on the target.",
    ),
    (
        "archive-unsafe",
        "coverage",
        "high",
        "The archive is broken, encrypted, too deep, or leaves its folder",
        "Ship the files unpacked.",
    ),
    (
        "symlink-outside",
        "coverage",
        "high",
        "A symbolic link leaves the skill or leads nowhere",
        "Copy the file into the skill.",
    ),
    (
        "executable-not-allowed",
        "policy",
        "high",
        "The skill runs a program that is not on the allow-list",
        "Ask the operator to allow it.",
    ),
    (
        "download-and-run",
        "correlation",
        "high",
        "A downloaded file is made runnable and run",
        "Pin and check what is downloaded, or ship it.",
    ),
    (
        "credential-exfiltration",
        "correlation",
        "critical",
        "Credentials are read where data is sent out",
        "Remove both.",
    ),
    (
        "suppression-comment",
        "text",
        "info",
        "A comment asks the scanner to look away; it has no effect",
        "Suppressions are the operator's.",
    ),
)
META: dict[str, MetaRule] = {
    name: MetaRule(id=name, category=category, severity=severity, message=message, remediation=remedy)  # type: ignore[arg-type]
    for name, category, severity, message, remedy in _ALL
}
