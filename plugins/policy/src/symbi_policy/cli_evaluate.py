"""`symbi policy evaluate` and `explain`: one decision (POL-30)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from symbi.cli.output import error_exit, json_option, print_json, warn
from symbi.cli.state import CliState, state_of
from symbi.contracts.errors import ConfigError, InvalidRequest
from symbi.contracts.policy import Decision, PolicyRequest
from symbi.contracts.principal import LOCAL_ADMIN
from symbi_policy.offline import open_offline
from symbi_policy.questions import DEFAULT_AGENT, Question, answer_of, read_question, request_of

__all__ = ["evaluate", "explain"]

MOST_INPUT = 2_000_000


def _options(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--stdin", "from_stdin", is_flag=True, help="Read the question as JSON from stdin."),
            click.option(
                "--input", "file", type=click.Path(dir_okay=False, path_type=Path), help="Read it from a file."
            ),
            click.option("--tool", help="Ask about this tool instead of reading a question."),
            click.option("--arguments", default="{}", help="The tool's arguments, as JSON.", show_default=True),
            click.option(
                "--agent", help=f"The agent that acts, where the question names none (default: {DEFAULT_AGENT})."
            ),
            click.option("--policies", type=click.Path(file_okay=False, path_type=Path), help="The policy directory."),
            click.option("--surface", default="", help="The surface whose policies count beside the shared ones."),
            click.option("--fail-open", is_flag=True, help="Allow when there are no policies at all."),
        )
    ):
        command = option(command)
    return command


@click.command()
@_options
@json_option
@click.pass_context
def evaluate(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """Print one decision: allow, deny, hold or modify. Works as a hook of coding tools.

    The question is {"tool_name": …, "tool_input": …}. No directory, no policy, or any error means deny. Exit 0 with a
    decision, 2 on bad input.

    Example: echo '{"tool_name": "Bash", "tool_input": {"command": "ls"}}' | symbi policy evaluate --stdin
    """
    answer, _places = asyncio.run(_answer(state_of(ctx), **options))
    if as_json:
        print_json(answer)
        return
    click.echo(answer["decision"])
    warn(msgspec.json.encode(answer).decode())


@click.command()
@_options
@json_option
@click.pass_context
def explain(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """Print one decision and the policies that made it, with their text.

    Example: symbi policy explain --tool http_get --agent hello
    """
    answer, places = asyncio.run(_answer(state_of(ctx), **options))
    answer["determining"] = [
        {
            "policy": each,
            "place": places.get(each, ""),
            "text": _excerpt(Path(answer["policies_dir"]), places.get(each, "")),
        }
        for each in answer["policies"]
    ]
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['decision']}: {answer['reason']}")
    for each in answer["determining"]:
        click.echo(f"\n{each['policy']} ({each['place']})\n{each['text']}".rstrip())
    for item in answer["errors"]:
        click.echo(f"\nerror: {item}")


async def _answer(
    state: CliState,
    *,
    from_stdin: bool,
    file: Path | None,
    tool: str | None,
    arguments: str,
    agent: str | None,
    policies: Path | None,
    surface: str,
    fail_open: bool,
) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        question = _question(from_stdin, file, tool, arguments)
        request = request_of(question, LOCAL_ADMIN, agent=agent or DEFAULT_AGENT, surface=surface)
    except InvalidRequest as error:
        error_exit(error.message, hint='{"tool_name": "NAME", "tool_input": {…}}')
        raise
    try:
        async with open_offline(state, policies) as opened:
            decision = opened.decide(request)
            empty = not opened.exists or not (opened.report.policies or opened.report.findings)
            if empty and fail_open:
                decision = Decision(decision="allow", reason=f"{opened.problem} (--fail-open)")
            return answer_of(request, decision, policies_dir=str(opened.directory)), opened.report.places
    except ConfigError as error:
        return _closed(request, error, policies), {}


def _closed(request: PolicyRequest, error: ConfigError, policies: Path | None) -> dict[str, Any]:
    reason = f"{request.label()} is denied: {error.message}"
    decision = Decision(decision="deny", reason=reason, errors=(error.message,))
    return answer_of(request, decision, policies_dir=str(policies or "policies"))


def _question(from_stdin: bool, file: Path | None, tool: str | None, arguments: str) -> Question:
    if sum((from_stdin, file is not None, tool is not None)) != 1:
        raise InvalidRequest("give exactly one of --stdin, --input and --tool")
    if tool is not None:
        try:
            return Question(tool_name=tool, tool_input=msgspec.json.decode(arguments))
        except msgspec.MsgspecError as error:
            raise InvalidRequest(f"--arguments is no JSON: {error}") from None
    try:
        data = sys.stdin.buffer.read(MOST_INPUT + 1) if file is None else file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file}: cannot be read: {error.strerror}") from None
    if len(data) > MOST_INPUT:
        raise InvalidRequest(f"the input is larger than {MOST_INPUT} bytes")
    return read_question(data)


def _excerpt(directory: Path, place: str) -> str:
    """Return the text of a policy: from its line to the end of its statement."""
    name, _, line = place.partition("#")[0].rpartition(":") if "#" not in place else (place, "", "")
    if not line.isdigit():
        return ""
    try:
        lines = (directory / name).read_text(encoding="utf-8").splitlines()[int(line) - 1 :]
    except (OSError, UnicodeDecodeError):
        return ""
    end = next((n for n, text in enumerate(lines) if text.rstrip().endswith(";")), min(len(lines), 30) - 1)
    return "\n".join(lines[: end + 1])
