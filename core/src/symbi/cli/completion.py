"""Shell completion."""

from __future__ import annotations

import click

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    Example: symbi completion bash > ~/.local/share/bash-completion/completions/symbi
    """
    from click.shell_completion import get_completion_class

    from symbi.cli.main import symbi

    found = get_completion_class(shell)
    assert found is not None  # the choice above allows only shells that click knows
    click.echo(found(symbi, {}, "symbi", "_SYMBI_COMPLETE").source())
