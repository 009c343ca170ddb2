"""What leaves through the result, the page or the log: HTML with input, the whole environment, credentials."""

from __future__ import annotations

import re

from symbi_static.flow.machine import Frame, Site
from symbi_static.flow.values import Scope, Val, shape_of
from symbi_static.ir.nodes import Attr, Expr
from symbi_static.rules.collector import Collector

__all__ = ["check_output_call", "check_return", "check_store"]

_HTML = re.compile(
    r"<\s*(?:!doctype\s+html|html|head|body|div|p|span|b|i|h[1-6]|table|t[dhr]|li|ul|ol|a|svg|img|script|style|text|title|iframe|form|input|button|pre|code|strong|em|section|article|br|g|g |foreignObject|circle|rect)\b",  # noqa: E501  # one list, one place
    re.IGNORECASE,
)
_PAGES = re.compile(r"(?:HTMLResponse|Markup|make_response|HTML|SafeString|mark_safe|format_html)$")
_LOGS = re.compile(
    r"^(?:print|console\.\w+|logging\.\w+|logger\.\w+|log\.\w+|sys\.std(?:out|err)\.write|process\.stdout\.write)$"
)


def _html(value: Val) -> bool:
    outline = shape_of(value)
    return "\x00" in outline and bool(_HTML.search(outline)) and value.unsafe("html", "input")


def check_return(frame: Frame, value: Val, line: int, out: Collector) -> None:
    """The result of a tool."""
    if not frame.entry:
        return
    parts = value.all_parts()
    for part in [value, *parts, *(deep for each in parts for deep in each.all_parts())]:
        if _html(part):
            out.add(
                "html-from-input",
                "HTML with unescaped input is returned.",
                line=_built(part, line),
                trace=part.trace("input"),
                seed="return-html",
            )
        if part.has("environ"):
            trace = part.trace("environ")
            out.add(
                "whole-environment",
                "The whole environment is returned.",
                line=trace[0][0] if trace else line,
                trace=trace,
                seed="return-env",
            )
        if part.has("secret"):
            trace = part.trace("secret")
            out.add(
                "credential-store" if "store" in trace[0][1] else "credential-file",
                "A credential is returned.",
                line=trace[0][0],
                trace=trace,
                seed="return-secret",
            )


def _built(value: Val, line: int) -> int:
    trace = value.trace("input")
    kept = [
        at
        for at, text in trace
        if text.startswith(("kept in `html", "kept in `page", "kept in `body", "kept in `markup", "kept in `svg"))
    ]
    return kept[-1] if kept else line


def check_output_call(site: Site, out: Collector) -> None:
    """Pages, written HTML, logs of secrets, stores of credentials."""
    for value in [*site.args, *site.named.values()]:
        if _html(value) and (
            _PAGES.search(site.ref)
            or site.name in ("write", "write_text", "send", "end", "writeFileSync", "writeFile", "insertAdjacentHTML")
        ):
            out.add(
                "html-from-input",
                f"`{site.name}` gets HTML with unescaped input.",
                node=site.call,
                trace=value.trace("input"),
            )
        elif (
            site.name in ("mark_safe", "Markup", "document.write", "insertAdjacentHTML")
            and value.unsafe("html", "input")
        ) or (site.ref == "document.write" and value.has("input")):
            out.add(
                "html-from-input",
                f"`{site.name}` marks input as safe HTML.",
                node=site.call,
                trace=value.trace("input"),
            )
        if value.has("environ", "secret") and (
            _LOGS.match(site.ref) or site.name in ("write", "write_text", "dump", "writeFileSync", "appendFileSync")
        ):
            rule = "whole-environment" if value.has("environ") else "credential-file"
            out.add(rule, f"`{site.ref}` writes it down.", node=site.call, trace=value.trace("environ", "secret"))
    if site.ref in ("keyring.get_password", "keytar.getPassword", "keytar.findCredentials") or site.ref.startswith(
        ("browser_cookie3.", "win32crypt.", "secretstorage.")
    ):
        declared = site.machine.declared
        if not any(word.startswith("secrets") for word in declared) or not site.ref.startswith(("keyring", "keytar")):
            out.add("credential-store", f"`{site.ref}` reads a credential store.", node=site.call)


def check_store(target: Expr, value: Val, line: int, scope: Scope, out: Collector) -> None:
    """`element.innerHTML = input`, `session.verify = False`, `context.check_hostname = False`."""
    if not isinstance(target, Attr):
        return
    if target.name in ("innerHTML", "outerHTML", "srcdoc", "dangerouslySetInnerHTML") and value.unsafe("html", "input"):
        out.add("html-from-input", f"`{target.name}` gets unescaped input.", node=target, trace=value.trace("input"))
    if (
        (target.name in ("verify", "check_hostname", "rejectUnauthorized") and value.const is False)
        or (target.name == "verify_mode" and "CERT_NONE" in value.ref)
        or (target.name == "_create_default_https_context" and "unverified" in value.ref)
    ):
        out.add("no-certificate-check", f"`{target.name}` is off.", node=target, line=line)
    if target.name == "NODE_TLS_REJECT_UNAUTHORIZED" and value.const in ("0", 0):
        out.add("no-certificate-check", "Certificate checks are off for the process.", node=target, line=line)
