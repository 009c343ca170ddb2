"""`symbi policy diff`: what a change of policy flips over decisions that were recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from symbi.cli.output import error_exit, json_option, print_json, warn
from symbi.cli.state import CliState, state_of
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import LOCAL_ADMIN
from symbi_policy.offline import open_offline
from symbi_policy.questions import Question, request_of

__all__ = ["diff", "recorded_questions"]


@click.command()
@click.argument("old", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--recorded",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Audit files, or JSON lines of questions (default: the audit log of this project).",
)
@click.option("--fail-on-change", is_flag=True, help="Exit 1 when any decision changes.")
@json_option
@click.pass_context
def diff(
    ctx: click.Context, old: Path, new: Path, recorded: tuple[Path, ...], fail_on_change: bool, as_json: bool
) -> None:
    """Decide recorded actions by two policy directories, and list those whose decision changes.

    Arguments are recorded masked and bounded: a policy about a masked or cut argument may answer otherwise here than
    it did live.

    Example: symbi policy diff policies new-policies
    """
    state = state_of(ctx)
    try:
        outcome = asyncio.run(_compare(state, old, new, recorded or _audit_files(state)))
    except InvalidRequest as error:
        error_exit(error.message, hint=error.hint)
        raise
    if as_json:
        print_json(outcome)
    else:
        for change in outcome["changes"]:
            click.echo(
                f"{change['before']} -> {change['after']}  {change['action']}  {change['agent']}  ({change['reason']})"
            )
        warn(f"{outcome['compared']} decisions compared, {len(outcome['changes'])} change")
    ctx.exit(1 if fail_on_change and outcome["changes"] else 0)


async def _compare(state: CliState, old: Path, new: Path, files: Iterable[Path]) -> dict[str, Any]:
    questions = list(dict.fromkeys(line for file in files for line in recorded_questions(file)))
    if not questions:
        raise InvalidRequest("there are no recorded decisions to compare", hint="--recorded FILE")
    changes = []
    async with open_offline(state, old) as before, open_offline(state, new) as after:
        for problem in (before.problem, after.problem):
            if problem:
                raise InvalidRequest(problem, hint="symbi policy check")
        for text in questions:
            question = msgspec.json.decode(text, type=Question)
            request = request_of(question, LOCAL_ADMIN)
            was, becomes = before.decide(request), after.decide(request)
            if was.decision != becomes.decision:
                agent = request.agent.name or request.agent.id if request.agent else request.principal.id
                changes.append(
                    {
                        "action": request.label(),
                        "agent": agent,
                        "surface": request.surface,
                        "arguments": request.arguments,
                        "before": was.decision,
                        "after": becomes.decision,
                        "reason": becomes.reason,
                        "policies": list(becomes.policies),
                    }
                )
    return {"compared": len(questions), "changes": changes}


def recorded_questions(file: Path) -> Iterator[bytes]:
    """Yield each recorded decision of a file of JSON lines as a question in canonical JSON."""
    files = sorted(file.rglob("*.jsonl")) if file.is_dir() else [file]
    for each in files:
        with each.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    found = _question(msgspec.json.decode(line))
                except msgspec.MsgspecError as error:
                    raise InvalidRequest(f"{each}:{number}: {error}") from None
                if found is not None:
                    yield msgspec.json.encode(found, order="sorted")


def _question(record: Any) -> Question | None:
    if not isinstance(record, dict):
        return None
    record = record.get("record", record)
    details = record.get("details")
    if record.get("kind") != "policy.decision" or not isinstance(details, dict):
        return msgspec.convert(record, Question) if "tool_name" in record or "action" in record else None
    facts = details.get("agent_facts") or details.get("agent")
    return msgspec.convert(
        {
            "action": details["action"],
            "target": details.get("target") or None,
            "arguments": details.get("arguments"),
            "agent": facts,
            "resource": details.get("resource"),
            "surface": details.get("surface", "run"),
            "source": details.get("source", "model"),
            "trusted": details.get("trusted") or {},
        },
        Question,
    )


def _audit_files(state: CliState) -> tuple[Path, ...]:
    folder = state.settings.data_dir / "audit"
    return (folder,) if folder.is_dir() else ()
