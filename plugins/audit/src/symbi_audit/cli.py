"""`symbi audit`: check, follow and export the log from its files; no server needs to run."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from symbi.cli.output import error_exit, json_option, print_json
from symbi.cli.state import state_of
from symbi.contracts.audit import AuditRecord, AuditVerdict
from symbi_audit.chain import LineError, read_line
from symbi_audit.config import AuditConfig, AuditPlaces
from symbi_audit.export import to_otlp
from symbi_audit.segments import backwards, forwards
from symbi_audit.verify import verify_log

__all__ = ["audit"]


_log_option = click.option("--log", "name", default="", help="The folder of another node's log, for example audit-2.")


@click.group()
def audit() -> None:
    """Check, follow and export the audit log."""


@audit.command()
@json_option
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A public key kept elsewhere, instead of the log's own.",
)
@click.pass_context
def verify(ctx: click.Context, as_json: bool, key: Path | None) -> None:
    """Check every record, signature and the anchor; exit 1 when something does not hold.

    Example: symbi audit verify --json
    """
    if key is not None and not key.is_file():
        error_exit(f"there is no key file {key}")
    logs = _logs(ctx)
    verdict = _together([(log.folder.name, verify_log(log, key=key)) for log in logs])
    if as_json:
        print_json(verdict)
    elif verdict.ok:
        held = "1 record holds" if verdict.records == 1 else f"{verdict.records} records hold"
        click.echo(held + (f": {verdict.reason}" if verdict.reason else ""))
    else:
        click.echo(f"{click.style('the log does not hold', fg='red', bold=True)}: {verdict.reason}", err=True)
    sys.exit(0 if verdict.ok else 1)


@audit.command()
@click.option(
    "-n",
    "--lines",
    default=20,
    show_default=True,
    type=click.IntRange(0, 100_000),
    help="How many of the newest records.",
)
@click.option("-f", "--follow", is_flag=True, help="Wait for further records.")
@click.option("--kind", default="", help="Only this kind, for example policy.")
@_log_option
@click.pass_context
def tail(ctx: click.Context, lines: int, follow: bool, kind: str, name: str) -> None:
    """Show the newest records.

    Example: symbi audit tail -n 50 --kind policy
    """
    folder = _log(ctx, name).folder
    seen = next((record.seq for record in _records(backwards(folder, 0))), 0)
    matching = (record for record in _records(backwards(folder, seen + 1)) if _matches(record, kind))
    for record in reversed(list(islice(matching, lines))):
        click.echo(_line(record))
    with contextlib.suppress(KeyboardInterrupt):
        while follow:
            time.sleep(0.5)
            for record in _records(forwards(folder, seen)):
                seen = record.seq
                if _matches(record, kind):
                    click.echo(_line(record))


@audit.command()
@click.option(
    "--format",
    "shape",
    type=click.Choice(["jsonl", "otel"]),
    default="jsonl",
    show_default=True,
    help="Records as they are, or OTLP/JSON logs.",
)
@click.option("--after", default=0, type=click.IntRange(0), help="Only records after this number.")
@click.option("--kind", default="", help="Only this kind, for example policy.")
@_log_option
@click.pass_context
def export(ctx: click.Context, shape: str, after: int, kind: str, name: str) -> None:
    """Print records as JSON, one a line.

    Example: symbi audit export --format otel --after 1200
    """
    for record in _records(forwards(_log(ctx, name).folder, after)):
        if _matches(record, kind):
            value: Any = to_otlp(record) if shape == "otel" else record
            sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def _logs(ctx: click.Context) -> list[AuditPlaces]:
    settings = state_of(ctx).settings
    return settings.section("plugins.audit", AuditConfig).all_places(settings.data_dir)


def _log(ctx: click.Context, name: str) -> AuditPlaces:
    logs = _logs(ctx)
    found = next((log for log in logs if name in ("", log.folder.name)), None)
    if found is None:
        raise click.BadParameter(
            f"there is no log {name!r}; there are {', '.join(log.folder.name for log in logs)}", param_hint="--log"
        )
    return found


def _together(verdicts: list[tuple[str, AuditVerdict]]) -> AuditVerdict:
    records = sum(verdict.records for _, verdict in verdicts)
    for name, verdict in verdicts:
        if not verdict.ok:
            return msgspec.structs.replace(
                verdict, records=records, reason=f"{name}: {verdict.reason}" if len(verdicts) > 1 else verdict.reason
            )
    return AuditVerdict(
        ok=True, records=records, reason="; ".join(verdict.reason for _, verdict in verdicts if verdict.reason)
    )


def _records(lines: Iterator[bytes]) -> Iterator[AuditRecord]:
    for line in lines:
        try:
            found = read_line(line)
        except LineError as error:
            click.echo(f"a line does not hold and is not shown ({error}); look with symbi audit verify", err=True)
            continue
        if isinstance(found, AuditRecord):
            yield found


def _matches(record: AuditRecord, kind: str) -> bool:
    return not kind or record.kind == kind or record.kind.startswith(f"{kind}.")


def _line(record: AuditRecord) -> str:
    details = msgspec.json.encode(record.details).decode() if record.details else ""
    words = [str(record.seq), record.at, record.kind, record.principal, record.subject, record.outcome, details]
    # A record may hold text of an attacker: control characters must not reach the terminal.
    return " ".join("".join(char if char.isprintable() else "\ufffd" for char in word) for word in words if word)
