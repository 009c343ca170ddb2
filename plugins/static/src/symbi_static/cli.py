"""`symbi tools analyze`: one source file, in a confined child, with no server."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symbi.cli.output import error_exit, print_json

if TYPE_CHECKING:
    from symbi.contracts.review import AnalysisReport, Submission

__all__ = ["analyze"]

_MOST = 4 << 20
_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "cyan", "info": "white"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default="", help="Name of the tool; the file's name without its ending by default.")
@click.option("--version", "version", default="", help="Version of the tool.")
@click.option("--description", default="", help="Description that a model will read.")
@click.option("--author", default="", help="Author of the tool.")
@click.option(
    "--permissions", default="", help="Declared permissions, with commas: fs.read,net.outbound:api.example.com"
)
@click.option(
    "--language",
    type=click.Choice(["python", "javascript", "typescript"]),
    default=None,
    help="Language, if the file's name does not tell.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", help="Form of the answer."
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
def analyze(
    file: Path,
    name: str,
    version: str,
    description: str,
    author: str,
    permissions: str,
    language: str | None,
    form: str,
    as_json: bool,
) -> None:
    """Analyze a tool's source without running it. Exit code 1 when the risk is high.

    Example: symbi tools analyze weather.py --description "Weather of a city" --permissions net.outbound:api.weather.example --json
    """
    from symbi.contracts.review import Submission
    from symbi_static.pool import incomplete

    source, fault = _read(file)
    submission = Submission(
        tool_name=name or ("" if str(file) == "-" else file.name.split(".")[0]),
        tool_version=version,
        source_code=source,
        description=description,
        author=author,
        permissions=tuple(word for word in (part.strip() for part in permissions.split(",")) if word),
        language=language or "",
        filename=file.name,
    )
    report = incomplete(fault) if fault else asyncio.run(_in_child(submission))
    form = "json" if as_json else form
    if form == "sarif":
        from symbi_static.sarif import to_sarif

        print_json(to_sarif(report, file.as_posix()))
        sys.exit(1 if _risk(report)[1] == "high" else 0)
    answer = to_answer(report, submission)
    if form == "json":
        print_json(answer)
    else:
        _print(answer, file)
    sys.exit(1 if answer["risk"] == "high" else 0)


def _read(file: Path) -> tuple[str, str]:
    try:
        data = sys.stdin.buffer.read(_MOST + 1) if str(file) == "-" else file.open("rb").read(_MOST + 1)
    except OSError as error:
        error_exit(
            f"cannot read {file}: {error.strerror}", hint="give the path of a source file, or - for standard input"
        )
        raise
    if len(data) > _MOST:
        return "", f"The file is larger than {_MOST >> 20} MiB."
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        return "", f"The file is not UTF-8 (byte {error.start})."


async def _in_child(submission: Submission) -> AnalysisReport:
    from symbi_static.pool import ChildPool

    pool = ChildPool(size=1, deadline=9.0)
    try:
        return await pool.analyze(submission)
    finally:
        await pool.close()


def _risk(report: AnalysisReport) -> tuple[int, str]:
    from symbi.contracts.review import band_of
    from symbi.contracts.review_score import score_findings

    score = score_findings(report.findings).risk_score
    return score, band_of(score)


def to_answer(report: AnalysisReport, submission: Submission) -> dict[str, Any]:
    """The report as the JSON document of `tools analyze` (design/interfaces.md)."""
    import msgspec

    score, risk = _risk(report)
    findings = [{**msgspec.to_builtins(finding), "location": finding.location} for finding in report.findings]
    observed = [item.permission for item in report.observed]
    places = [{"permission": item.permission, "line": item.line} for item in report.observed]
    return {
        "risk_score": score,
        "risk": risk,
        "complete": report.complete,
        "language": report.language,
        "findings": findings,
        "permissions": {"declared": list(submission.permissions), "observed": observed, "observed_at": places},
        "analyzer": {"name": report.analyzer, "version": report.version, "ruleset": report.ruleset},
    }


def _print(answer: dict[str, Any], file: Path) -> None:
    colour = {"high": "red", "medium": "yellow", "low": "green"}[answer["risk"]]
    click.echo(
        f"{file}: risk {click.style(str(answer['risk_score']) + ' ' + answer['risk'], fg=colour, bold=True)}"
        + ("" if answer["complete"] else "  (incomplete)")
    )
    for finding in answer["findings"]:
        head = click.style(f"{finding['severity']:8}", fg=_COLOURS[finding["severity"]])
        click.echo(
            f"\n  {head} {finding['category']} · {finding['location']} · {finding['rule']}\n    {finding['description']}"
        )
        for step in finding["trace"][:-1]:
            click.echo(f"      line {step['line']}: {step['description']}")
        click.echo(f"    → {finding['recommendation']}")
    words = answer["permissions"]["observed"]
    click.echo(f"\n  uses: {', '.join(words) if words else 'no permission'}")
