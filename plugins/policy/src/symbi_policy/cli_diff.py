"""`symbi policy diff` and `replay`: what a change of policy flips over decisions that were recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from symbi.cli.output import error_exit, json_option, print_json, warn
from symbi.cli.state import CliState, state_of
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.policy import Decision, PolicyRequest
from symbi.contracts.principal import LOCAL_ADMIN
from symbi_policy.offline import OfflinePolicies, open_offline
from symbi_policy.questions import request_of
from symbi_policy.recorded import read_recorded

__all__ = ["diff", "replay"]

recorded_option = click.option(
    "--recorded",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Audit files or folders, or JSON lines of questions (default: the audit log of this project).",
)
fail_option = click.option("--fail-on-change", is_flag=True, help="Exit 1 when any decision changes.")
folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("old", type=folder)
@click.argument("new", type=folder)
@recorded_option
@fail_option
@json_option
@click.pass_context
def diff(
    ctx: click.Context, old: Path, new: Path, recorded: tuple[Path, ...], fail_on_change: bool, as_json: bool
) -> None:
    """Decide recorded actions by two policy directories, and list those whose decision changes.

    Arguments are recorded masked and bounded: a policy about a masked or cut argument may answer otherwise here.

    Example: symbi policy diff policies new-policies
    """
    _finish(ctx, _compare(state_of(ctx), recorded, new=new, old=old), fail_on_change, as_json)


@click.command()
@click.argument("directory", type=folder, required=False)
@recorded_option
@fail_option
@json_option
@click.pass_context
def replay(
    ctx: click.Context, directory: Path | None, recorded: tuple[Path, ...], fail_on_change: bool, as_json: bool
) -> None:
    """Decide recorded actions again, and list those that would now come out otherwise than they did.

    What an agent's own rules, a rate or a person decided then is not asked again; such a difference is listed, too.

    Example: symbi policy replay policies
    """
    _finish(ctx, _compare(state_of(ctx), recorded, new=directory, old=None), fail_on_change, as_json)


def _finish(ctx: click.Context, comparison: Any, fail_on_change: bool, as_json: bool) -> None:
    try:
        outcome: dict[str, Any] = asyncio.run(comparison)
    except InvalidRequest as error:
        error_exit(error.message, hint=error.hint)
        raise
    if as_json:
        print_json(outcome)
    else:
        for change in outcome["changes"]:
            flip = f"{change['before']} -> {change['after']}"
            click.echo(f"{flip:14}  {change['action']}  {change['agent']}  ({change['reason']})")
        warn(f"{outcome['compared']} decisions compared, {len(outcome['changes'])} change")
    ctx.exit(1 if fail_on_change and outcome["changes"] else 0)


async def _compare(state: CliState, files: Iterable[Path], *, new: Path | None, old: Path | None) -> dict[str, Any]:
    """Compare with the decisions of `old`, or with what was recorded."""
    recorded = read_recorded(tuple(files) or _audit_files(state))
    if old is None:
        known = [each for each in recorded if each.outcome]
        async with _opened(state, new) as after:
            pairs = [(request_of(each.question, LOCAL_ADMIN), each.outcome) for each in known]
            changes = [
                _change(request, was, found)
                for request, was in pairs
                if (found := after.decide(request)).decision != was
            ]
        return {"compared": len(known), "changes": changes}
    async with _opened(state, old) as before, _opened(state, new) as after:
        changes = []
        for each in recorded:
            request = request_of(each.question, LOCAL_ADMIN)
            was, becomes = before.decide(request), after.decide(request)
            if was.decision != becomes.decision:
                changes.append(_change(request, was.decision, becomes))
    return {"compared": len(recorded), "changes": changes}


@asynccontextmanager
async def _opened(state: CliState, directory: Path | None) -> AsyncIterator[OfflinePolicies]:
    """Open policies, and refuse those that are not usable."""
    async with open_offline(state, directory) as opened:
        if opened.problem:
            raise InvalidRequest(opened.problem, hint="symbi policy check")
        yield opened


def _change(request: PolicyRequest, before: str, after: Decision) -> dict[str, Any]:
    agent = request.agent.name or request.agent.id if request.agent else request.principal.id
    return {
        "action": request.label(),
        "agent": agent,
        "surface": request.surface,
        "arguments": request.arguments,
        "before": before,
        "after": after.decision,
        "reason": after.reason,
        "policies": list(after.policies),
    }


def _audit_files(state: CliState) -> tuple[Path, ...]:
    place = state.settings.data_dir / "audit"
    return (place,) if place.is_dir() else ()
