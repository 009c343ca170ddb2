"""`symbi init`: a small working project."""

from __future__ import annotations

import os
import secrets
from importlib import resources
from pathlib import Path

import click

from symbi.cli.output import error_exit, json_option, print_json

__all__ = ["init"]

_FILES = ("symbi.toml", "agents/hello.symbi", "policies/hello.cedar", "gitignore")


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path("."))
@click.option("--force", is_flag=True, help="Write over files that are there already (never over .env).")
@json_option
def init(directory: Path, force: bool, as_json: bool) -> None:
    """Write a small working project: configuration, an agent, a policy, and a fresh token in .env (0600).

    Example: symbi init my-project && cd my-project && symbi run agents/hello.symbi
    """
    targets = {name: directory / (".gitignore" if name == "gitignore" else name) for name in _FILES}
    there = [str(path) for path in targets.values() if path.exists() and path.name != ".gitignore"]
    if there and not force:
        error_exit(f"{', '.join(there)} already there", hint="choose another folder, or --force")
    written = []
    try:
        for name, path in targets.items():
            if path.exists() and not force:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(resources.files("symbi.cli").joinpath("project", *name.split("/")).read_bytes())
            written.append(str(path))
        if _write_token(directory / ".env"):
            written.append(str(directory / ".env"))
    except OSError as error:
        error_exit(
            f"{error.filename}: cannot be written: {error.strerror}", hint="choose a folder that you may write to"
        )
    if as_json:
        print_json({"directory": str(directory), "written": written})
        return
    for path in written:  # type: ignore[assignment]  # plain texts from here on
        click.echo(f"wrote {path}")
    where = "" if directory == Path(".") else f"cd {directory} && "
    click.echo(f"\nnext: {where}symbi run agents/hello.symbi        one run, under policy", err=True)
    click.echo(f"      {where}symbi up                            the server; the token is in .env", err=True)


def _write_token(path: Path) -> bool:
    """Write a fresh token, readable by its owner alone; an existing file is left as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"API_AUTH_TOKEN={secrets.token_urlsafe(32)}\n")
    return True
