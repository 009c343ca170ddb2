"""The group `symbi dsl`."""

from __future__ import annotations

import click

from symbi_dsl.cli.check import check
from symbi_dsl.cli.show import show

__all__ = ["dsl"]


@click.group(epilog="Example: symbi dsl check agents/")
def dsl() -> None:
    """Check agent definitions, and show what they say."""


dsl.add_command(check)
dsl.add_command(show)
