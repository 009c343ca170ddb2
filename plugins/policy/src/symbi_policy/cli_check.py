"""`symbi policy check` (also `lint`, `validate`) and `symbi policy format`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from symbi.cli.output import error_exit, json_option, print_json, warn
from symbi.cli.state import CliState, state_of
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.policy_sets import PolicyFinding, PolicyReport
from symbi_policy.offline import open_offline

__all__ = ["check", "format_files"]

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: dict[Literal["error", "warning"], str] = {"error": "error", "warning": "warning"}


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0 on stdout.")
@json_option
@click.pass_context
def check(ctx: click.Context, directory: Path | None, strict: bool, sarif: bool, as_json: bool) -> None:
    """Parse and lint a policy directory; exit 1 when something is wrong, 2 when there is nothing to check.

    Example: symbi policy check policies --strict
    """
    report, place, exists = asyncio.run(_check(state_of(ctx), directory, strict))
    if not exists or not (report.policies or report.findings):
        error_exit(f"{place}: no policy file", hint="symbi init writes an example")
    ok = report.ok and not (strict and report.findings)
    if sarif:
        print_json(_sarif(report))
    elif as_json:
        print_json({"ok": ok, "directory": str(place), **msgspec.to_builtins(report)})
    else:
        for finding in report.findings:
            click.echo(_line(finding))
        warn(f"{len(report.policies)} policies, {len(report.findings)} findings: {'good' if ok else 'not good'}")
    ctx.exit(0 if ok else 1)


@click.command()
@click.argument("files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit 1 if anything would change.")
@click.pass_context
def format_files(ctx: click.Context, files: tuple[Path, ...], only_check: bool) -> None:
    """Write policy files in the language's canonical layout.

    Example: symbi policy format policies/*.cedar
    """
    bad = asyncio.run(_format(state_of(ctx), files, only_check))
    ctx.exit(1 if bad else 0)


async def _check(state: CliState, directory: Path | None, strict: bool) -> tuple[PolicyReport, Path, bool]:
    async with open_offline(state, directory, strict=strict) as opened:
        return opened.report, opened.directory, opened.exists


async def _format(state: CliState, files: tuple[Path, ...], only_check: bool) -> bool:
    bad = False
    async with open_offline(state) as opened:
        for file in files:
            try:
                before = file.read_text(encoding="utf-8")
                after = opened.engine.format(before).rstrip("\n") + "\n"
            except (InvalidRequest, UnicodeDecodeError, OSError) as error:
                warn(f"{file}: {error}")
                bad = True
                continue
            if after == before:
                continue
            bad = bad or only_check
            warn(f"{'would change' if only_check else 'changed'} {file}")
            if not only_check:
                file.write_text(after, encoding="utf-8")
    return bad


def _line(finding: PolicyFinding) -> str:
    place = ":".join(str(part) for part in (finding.path, finding.line, finding.column) if part)
    policy = f" [{finding.policy}]" if finding.policy else ""
    return f"{place}: {finding.severity} {finding.code}{policy}: {finding.message}"


def _sarif(report: PolicyReport) -> dict[str, Any]:
    rules = sorted({each.code for each in report.findings})
    driver = {"name": "symbi policy check", "rules": [{"id": rule} for rule in rules]}
    return {
        "version": "2.1.0",
        "$schema": SARIF_SCHEMA,
        "runs": [{"tool": {"driver": driver}, "results": [_result(each) for each in report.findings]}],
    }


def _result(finding: PolicyFinding) -> dict[str, Any]:
    region = {"startLine": finding.line or 1, **({"startColumn": finding.column} if finding.column else {})}
    location = {"artifactLocation": {"uri": finding.path.partition("#")[0]}, "region": region}
    return {
        "ruleId": finding.code,
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    }
