"""One analysis of one submission, in this process: call it only inside the confined child (`symbi_static.child`)."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from symbi.contracts.review import AnalysisReport, Submission
from symbi_static import __version__
from symbi_static.flow.entries import walk_entries
from symbi_static.flow.machine import BudgetSpent, Machine
from symbi_static.ir.nodes import Module, dump
from symbi_static.rules.capabilities import Capabilities
from symbi_static.rules.catalogue import ruleset_digest
from symbi_static.rules.collector import Collector
from symbi_static.rules.literals import check_comments, check_lines, check_literals
from symbi_static.rules.resources import check_loops
from symbi_static.rules.watch import attach
from symbi_static.text.characters import check_characters
from symbi_static.text.instructions import check_instructions, check_reviewer_text
from symbi_static.text.names import check_name
from symbi_static.text.readable import function_names, readable_texts

if TYPE_CHECKING:
    from symbi.contracts.review import ObservedPermission

__all__ = ["analyze", "language_of"]

_MOST_SOURCE = 1 << 20
_MOST_TEXTS = 4000
_OFFLINE = re.compile(
    r"\b(?:offline|no network|without (?:any )?network|never (?:leaves|sends|contacts|connects)|stays (?:local|on (?:this|your) (?:machine|device|computer))|does(?: not|n't) (?:use|access|need|make|send|connect|contact)[^.]{0,30}(?:network|internet|requests|data|online)|fully local|local only|locally only|runs locally)\b",  # noqa: E501  # one list, one place
    re.IGNORECASE,
)
_READ_ONLY = re.compile(
    r"\bread[- ]only\b|\bnever (?:writes|modifies|changes|deletes)\b|\bdoes(?: not|n't) (?:write|modify|change|delete)\b",
    re.IGNORECASE,
)


def language_of(submission: Submission) -> str:
    """What the submission says, else what the file name says, else what the source looks like."""
    if submission.language:
        return {"py": "python", "js": "javascript", "ts": "typescript"}.get(submission.language, submission.language)
    ending = submission.filename.rsplit(".", 1)[-1].lower()
    known = {
        "py": "python",
        "pyw": "python",
        "js": "javascript",
        "mjs": "javascript",
        "cjs": "javascript",
        "jsx": "javascript",
        "ts": "typescript",
        "tsx": "typescript",
        "mts": "typescript",
        "cts": "typescript",
    }
    if ending in known:
        return known[ending]
    source = submission.source_code[:20_000]
    script = len(
        re.findall(
            r"^\s*(?:const|let|var|export|import\s+.+\s+from\s+['\"]|async function|function\s+\w+\s*\()|=>|===|\brequire\(|;\s*$",
            source,
            re.MULTILINE,
        )
    )
    python = len(
        re.findall(
            r"^\s*(?:def \w+\(.*|class \w+.*:|from [\w.]+ import|import [\w.]+\s*$|@\w+|elif .*:|if .*:)\s*$|^\s*(?:async )?def ",
            source,
            re.MULTILINE,
        )
    )
    if script > python:
        return (
            "typescript"
            if re.search(r":\s*(?:string|number|boolean|Promise<|any\b)|\binterface \w+|\bas \w+;", source)
            else "javascript"
        )
    return "python"


def analyze(submission: Submission) -> AnalysisReport:
    """Look at everything; what cannot be looked at becomes a finding and `complete = False`."""
    out = Collector(submission.source_code)
    capabilities = Capabilities()
    language = language_of(submission)
    complete = True
    names = frozenset({submission.tool_name}) if submission.tool_name else frozenset[str]()
    module: Module | None = None
    if not submission.source_code.strip():
        out.add("no-source", "There is no source to analyze.", where="source_code", seed="none")
        complete = False
    elif len(submission.source_code.encode("utf-8", "surrogatepass")) > _MOST_SOURCE:
        out.add("not-analyzed", "The source is larger than 1 MiB.", line=1, seed="size")
        complete = False
    else:
        module, complete = _parse(submission.source_code, language, out)
    if module is not None:
        names |= function_names(module)
    _metadata(submission, names, out)
    _raw(submission.source_code[:_MOST_SOURCE], names, out)
    digest = ""
    if module is not None:
        complete = _source(module, submission, names, capabilities, out) and complete
        digest = hashlib.sha256(
            "\n".join(dump(node, 12) for node in module.body).encode("utf-8", "replace")
        ).hexdigest()
    observed = capabilities.observed()
    if module is not None:
        capabilities.compare(submission.permissions, out)
        _denials(submission, observed, out)
    return AnalysisReport(
        analyzer="static",
        version=__version__,
        ruleset=ruleset_digest(),
        complete=complete,
        findings=out.findings(),
        observed=observed,
        language=language,
        normalised_hash=digest,
    )


def _parse(source: str, language: str, out: Collector) -> tuple[Module | None, bool]:
    try:
        if language == "python":
            from symbi_static.ir.python import read_python

            return read_python(source), True
        if language in ("javascript", "typescript"):
            from symbi_static.ir.script import read_script

            module = read_script(source, typescript=language == "typescript")
            for line, text in module.problems[:5]:
                out.add("not-analyzed", text, line=line, seed="syntax")
            return module, not module.problems
    except SyntaxError as error:
        out.add("not-analyzed", f"The source does not parse: {error.msg}.", line=error.lineno or 1, seed="syntax")
    except ValueError as error:
        out.add("not-analyzed", f"The source does not parse: {type(error).__name__}.", line=1, seed="syntax")
    except (RecursionError, MemoryError) as error:
        out.add("not-analyzed", f"The parser gave up: {type(error).__name__}.", line=1, seed="bomb")
    else:
        out.add("not-analyzed", f"No reader for the language {language!r}.", line=1, seed="language")
    return None, False


def _metadata(submission: Submission, names: frozenset[str], out: Collector) -> None:
    fields = {
        "tool_name": submission.tool_name,
        "tool_version": submission.tool_version,
        "description": submission.description,
        "author": submission.author,
        "schema": submission.schema_text,
        "permissions": " ".join(submission.permissions),
    }
    for where, text in fields.items():
        if not text:
            continue
        for said in check_characters(text, where, out):
            check_instructions(said, where, None, names, out)
        if where in ("description", "tool_name", "author", "schema"):
            check_instructions(text, where, None, names, out)
    check_name(submission.tool_name, submission.known_tools, out)


def _raw(source: str, names: frozenset[str], out: Collector) -> None:
    for said in check_characters(source, "source", out):
        position = source.find(chr(0xE0000 + ord(said[0])))
        check_instructions(said, "source", source.count("\n", 0, max(position, 0)) + 1, names, out)
    check_lines(source, out)


def _source(
    module: Module, submission: Submission, names: frozenset[str], capabilities: Capabilities, out: Collector
) -> bool:
    check_comments(module, out)
    for comment in module.comments[:_MOST_TEXTS]:
        check_reviewer_text(comment.text[:4000], "source", comment.line, out)
    complete = True
    try:
        for line, text in readable_texts(module)[:_MOST_TEXTS]:
            check_instructions(text, "source", line, names, out)
            if not text.isascii():
                for said in check_characters(text, "text in the source", out):
                    check_instructions(said, "source", line, names, out)
        check_literals(module, out)
        check_loops(module, out)
    except (RecursionError, MemoryError) as error:
        out.add("not-analyzed", f"The text pass gave up: {type(error).__name__}.", line=1, seed="text")
        complete = False
    machine = Machine(module)
    machine.declared = submission.permissions
    attach(machine, out, capabilities)
    try:
        machine.block(module.body, machine.globals)
        walk_entries(machine)
    except BudgetSpent:
        out.add("not-analyzed", "The flow is larger than the analyzer follows.", line=1, seed="budget")
        complete = False
    except (RecursionError, MemoryError) as error:
        out.add("not-analyzed", f"The flow pass gave up: {type(error).__name__}.", line=1, seed="flow")
        complete = False
    return complete


def _denials(submission: Submission, observed: tuple[ObservedPermission, ...], out: Collector) -> None:
    checks = (
        (_OFFLINE, ("net.outbound",), "network"),
        (_READ_ONLY, ("fs.write", "db.write", "process.spawn"), "changes"),
    )
    for pattern, words, what in checks:
        match = pattern.search(submission.description[:8192])
        used = next((item for item in observed if item.permission.split(":")[0] in words), None)
        if match and used is not None:
            out.add(
                "undeclared-permission",
                f"The description says {match.group()!r}, the code uses `{used.permission}`.",
                line=used.line,
                seed=f"denies-{what}",
                tags=("chain:hidden-action",),
            )
