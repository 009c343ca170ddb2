"""Formats one text: parse, mark, write, and prove that the result says the same."""

from __future__ import annotations

from symbi.contracts.definitions import Diagnostic
from symbi_dsl.collection import no_collection
from symbi_dsl.formatter.layout import write
from symbi_dsl.formatter.marks import Marks
from symbi_dsl.formatter.pieces import pieces
from symbi_dsl.formatter.verify import shape
from symbi_dsl.limits import DEFAULT_LIMITS, Limits
from symbi_dsl.syntax.items import File
from symbi_dsl.syntax.parser import Parser, parse_tree
from symbi_dsl.syntax.problems import Problems
from symbi_dsl.syntax.source import Source

__all__ = ["format_text"]

_TOKENS = 300_000
"""Texts of a mebibyte have fewer than 200,000; more are lists of nothing but punctuation."""


def format_text(text: str, *, limits: Limits = DEFAULT_LIMITS) -> tuple[str, tuple[Diagnostic, ...]]:
    """Return the text in its canonical layout and no diagnostics, or the text as it was and why it was left alone."""
    bare = text.removeprefix("\ufeff").replace("\r\n", "\n")
    problems = Problems(limits.errors)
    if len(bare) > limits.source:
        problems.add("E001", f"{len(bare)} characters; at most {limits.source} are read", 0, 0)
        return text, problems.diagnostics(Source(bare))
    with no_collection(len(bare)):
        return _formatted(text, bare, problems, limits)


def _formatted(text: str, bare: str, problems: Problems, limits: Limits) -> tuple[str, tuple[Diagnostic, ...]]:
    tree, parser = parse_tree(bare, problems=problems, limits=limits)
    if any(problem.code[:2] in ("E0", "E1", "E2") for problem in problems.errors):
        problems.warnings.clear()
        return text, problems.diagnostics(Source(bare))
    if len(parser.kind) > _TOKENS:
        problems = Problems(1)
        problems.add("E005", f"{len(parser.kind)} tokens; at most {_TOKENS} are formatted at once", 0, 0)
        return text, problems.diagnostics(Source(bare))
    marks = Marks(bare, tree, parser)
    written = write(pieces(bare, parser, marks), marks)
    if not _says_the_same(tree, parser, bare, written, limits):
        problems = Problems(1)
        problems.add("E900", "this text can not be formatted without changing what it says", 0, 0)
        return text, problems.diagnostics(Source(bare))
    return written, ()


def _says_the_same(tree: File, parser: Parser, text: str, written: str, limits: Limits) -> bool:
    problems = Problems(limits.errors)
    after, reader = parse_tree(written, problems=problems, limits=limits)
    if any(problem.code[:2] in ("E0", "E1", "E2") for problem in problems.errors):
        return False
    return shape(tree) == shape(after) and _comments(text, parser) == _comments(written, reader)


def _comments(text: str, parser: Parser) -> list[str]:
    return [text[start:end].rstrip() for start, end in parser.tokens.comments]
