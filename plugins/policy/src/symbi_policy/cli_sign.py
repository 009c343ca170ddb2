"""`symbi policy keygen` and `symbi policy sign`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from symbi.cli.output import error_exit
from symbi.cli.state import CliState, state_of
from symbi_policy.offline import open_offline
from symbi_policy.signature import make_key
from symbi_policy.signature import sign as sign_files

__all__ = ["keygen", "sign"]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def keygen(file: Path) -> None:
    """Write a fresh key that signs policies (0600), and FILE.pub, which [policy] public_key names.

    Example: symbi policy keygen /secure/policy-key.pem
    """
    public = make_key(file)
    click.echo(f"{file}\n{public}")


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The private key."
)
@click.pass_context
def sign(ctx: click.Context, directory: Path | None, key: Path) -> None:
    """Sign a policy directory that is good; any later change of a file voids the signature.

    Example: symbi policy sign policies --key /secure/policy-key.pem
    """
    click.echo(str(asyncio.run(_sign(state_of(ctx), directory, key))))


async def _sign(state: CliState, directory: Path | None, key: Path) -> Path:
    async with open_offline(state, directory, signed=False) as opened:
        if opened.problem:
            error_exit(opened.problem, hint="symbi policy check", code=1)
        return sign_files(opened.directory, opened.files, key)
