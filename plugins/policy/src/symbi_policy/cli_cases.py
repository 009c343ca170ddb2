"""`symbi policy test`: cases in YAML files, and which policies no case reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from symbi.cli.output import error_exit, json_option, print_json, warn
from symbi.cli.state import CliState, state_of
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.policy import Decision, DecisionKind
from symbi.contracts.principal import LOCAL_ADMIN
from symbi_policy.offline import OfflinePolicies, open_offline
from symbi_policy.questions import Question, request_of

__all__ = ["Case", "read_cases", "test"]


class Case(Question, frozen=True, kw_only=True):
    """One case: a question, what must come out, and optionally the policies that must have decided."""

    name: str
    expect: DecisionKind
    tool: str | None = None
    policies: list[str] | None = None


class Cases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of cases."""

    cases: list[Case]


@click.command()
@click.argument("files", type=click.Path(exists=True, path_type=Path), nargs=-1)
@click.option("--policies", type=click.Path(file_okay=False, path_type=Path), help="The policy directory.")
@click.option("--require-coverage", is_flag=True, help="Fail when a policy decides no case.")
@json_option
@click.pass_context
def test(
    ctx: click.Context, files: tuple[Path, ...], policies: Path | None, require_coverage: bool, as_json: bool
) -> None:
    """Run policy tests; exit 1 when a case fails. Without FILES: <policies>/tests/*.yaml.

    A file holds `cases:`, a list of {name, tool, arguments, agent, surface, action, expect, policies}.

    Example: symbi policy test policies/tests/hello.yaml
    """
    try:
        outcome = asyncio.run(_run(state_of(ctx), files, policies))
    except InvalidRequest as error:
        error_exit(error.message, hint=error.hint)
        raise
    failed = [each for each in outcome["cases"] if not each["ok"]]
    ok = not failed and not (require_coverage and outcome["uncovered"])
    if as_json:
        print_json({"ok": ok, **outcome})
    else:
        _show(outcome)
    ctx.exit(0 if ok else 1)


def read_cases(file: Path) -> list[Case]:
    """Return the cases of a YAML (or JSON) file; raises `InvalidRequest`."""
    import yaml

    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
        return msgspec.convert(loaded, Cases).cases
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError, RecursionError) as error:
        raise InvalidRequest(f"{file}: {error}", hint="cases: [{name, tool, arguments, agent, expect}]") from None


async def _run(state: CliState, files: tuple[Path, ...], policies: Path | None) -> dict[str, Any]:
    async with open_offline(state, policies) as opened:
        chosen = list(_files(files, opened.directory))
        if not chosen:
            raise InvalidRequest(f"no test file: {opened.directory}/tests/*.yaml", hint="name one")
        if opened.problem:
            raise InvalidRequest(opened.problem, hint="symbi policy check")
        results: list[dict[str, Any]] = []
        reached: set[str] = set()
        for file in chosen:
            for case in read_cases(file):
                decision = _decide(opened, case)
                reached.update(decision.policies)
                results.append(_result(file, case, decision))
        uncovered = [each for each in opened.report.policies if each not in reached]
        return {"cases": results, "policies": len(opened.report.policies), "uncovered": uncovered}


def _files(given: tuple[Path, ...], directory: Path) -> Iterator[Path]:
    for path in given or (directory / "tests",):
        if path.is_dir():
            yield from sorted((*path.glob("*.yaml"), *path.glob("*.yml")))
        elif path.exists():
            yield path


def _decide(opened: OfflinePolicies, case: Case) -> Decision:
    target = case.tool if case.tool is not None else case.target
    return opened.decide(request_of(msgspec.structs.replace(case, target=target), LOCAL_ADMIN, agent="test-agent"))


def _result(file: Path, case: Case, decision: Decision) -> dict[str, Any]:
    ok = decision.decision == case.expect and (
        case.policies is None or sorted(case.policies) == sorted(decision.policies)
    )
    return {
        "file": str(file),
        "name": case.name,
        "ok": ok,
        "expected": case.expect,
        "decision": decision.decision,
        "reason": decision.reason,
        "policies": list(decision.policies),
        "expected_policies": case.policies,
    }


def _show(outcome: dict[str, Any]) -> None:
    for each in outcome["cases"]:
        if each["ok"]:
            click.echo(f"ok    {each['name']}")
            continue
        click.echo(f"FAIL  {each['name']}: expected {each['expected']}, got {each['decision']} ({each['reason']})")
    for policy in outcome["uncovered"]:
        warn(f"no case is decided by {policy}")
    failed = sum(not each["ok"] for each in outcome["cases"])
    covered = outcome["policies"] - len(outcome["uncovered"])
    warn(f"{len(outcome['cases'])} cases, {failed} failed; {covered} of {outcome['policies']} policies covered")
