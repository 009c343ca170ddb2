"""`symbi policy`: everything that can be asked of policies, with or without a server."""

from __future__ import annotations

import click

from symbi_policy.cli_cases import test
from symbi_policy.cli_check import check, format_files
from symbi_policy.cli_diff import diff, replay
from symbi_policy.cli_evaluate import evaluate, explain
from symbi_policy.cli_server import history, reload, rollback, status
from symbi_policy.cli_sign import keygen, sign

__all__ = ["policy"]


@click.group()
def policy() -> None:
    """Evaluate, check, test, compare and format policies.

    Example: symbi policy check && symbi policy evaluate --tool clock --agent hello
    """


policy.add_command(evaluate)
policy.add_command(explain)
policy.add_command(check)
policy.add_command(check, "lint")
policy.add_command(check, "validate")
policy.add_command(test)
policy.add_command(diff)
policy.add_command(replay)
policy.add_command(format_files, "format")
policy.add_command(keygen)
policy.add_command(sign)
policy.add_command(status)
policy.add_command(reload)
policy.add_command(history)
policy.add_command(rollback)
