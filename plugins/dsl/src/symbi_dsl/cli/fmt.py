"""`symbi fmt`: the formatter."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

from symbi.contracts.definitions import Diagnostic
from symbi_dsl.cli.files import Unreadable, find_files, read_bytes, shown_path
from symbi_dsl.cli.report import print_diagnostics
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.formatter.format import format_text
from symbi_dsl.limits import DEFAULT_LIMITS

__all__ = ["fmt"]


@click.command(epilog="Example: symbi fmt --check agents/")
@click.argument("paths", metavar="FILE…", nargs=-1)
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if anything would change.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Format stdin to stdout.")
def fmt(paths: tuple[str, ...], check: bool, from_stdin: bool) -> None:
    """Format agent definitions in place; a folder stands for every .symbi and .dsl file below it.

    Comments are kept, and a file that does not parse is left as it is (exit 1).
    """
    if from_stdin and paths:
        raise click.UsageError("--stdin takes no files")
    if from_stdin:
        sys.exit(_stdin(check))
    if not paths:
        raise click.UsageError("name at least one file or folder, or give --stdin")
    code = 0
    for path in find_files(paths):
        code = max(code, _file(path, check))
    sys.exit(code)


def _stdin(check: bool) -> int:
    data = sys.stdin.buffer.read(DEFAULT_LIMITS.source + 1)
    written = _formatted("<stdin>", data)
    if written is None:
        return 1
    if check:
        return 0 if written.encode() == data else 1
    sys.stdout.buffer.write(written.encode())
    sys.stdout.buffer.flush()
    return 0


def _file(path: str, check: bool) -> int:
    try:
        data = read_bytes(path, most=DEFAULT_LIMITS.source)
        written = _formatted(path, data)
        if written is None:
            return 1
        if written.encode() == data:
            return 0
        if check:
            click.echo(f"would format {shown_path(path)}", err=True)
            return 1
        _replace(path, written)
    except Unreadable as error:
        click.echo(f"error: {error}", err=True)
        return 2
    click.echo(f"formatted {shown_path(path)}", err=True)
    return 0


def _formatted(path: str, data: bytes) -> str | None:
    """Return the formatted text, or None after printing why there is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _complain(path, parse_definition(data, path=path).diagnostics, "")
        return None
    if len(data) > DEFAULT_LIMITS.source:
        _complain(path, parse_definition(data, path=path).diagnostics, "")
        return None
    written, problems = format_text(text)
    if problems:
        _complain(path, problems, text)
        return None
    return written


def _complain(path: str, problems: tuple[Diagnostic, ...], text: str) -> None:
    print_diagnostics(path, problems, lines=text.removeprefix("\ufeff").split("\n"))


def _replace(path: str, text: str) -> None:
    """Put the text in the file's place in one step, with the file's mode; a link keeps pointing at it."""
    target = Path(path).resolve()
    try:
        mode = target.stat().st_mode & 0o777
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(name).chmod(mode)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None
