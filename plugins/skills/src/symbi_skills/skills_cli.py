"""`symbi skills list` and `symbi skills show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbi.cli.output import json_option, print_json, table

if TYPE_CHECKING:
    from symbi_skills.loader import SkillLoader

__all__ = ["skills"]


def _loader(ctx: click.Context) -> SkillLoader:
    from symbi_skills.cli import scanner_of, sources_of
    from symbi_skills.loader import SkillLoader

    config, _, folder = sources_of(ctx)
    return SkillLoader(scanner_of(ctx), tuple(folder / Path(path).expanduser() for path in config.paths))


@click.group()
def skills() -> None:
    """List and show the skills that agents may load.

    Example: symbi skills list
    """


@skills.command("list")
@json_option
@click.pass_context
def list_skills(ctx: click.Context, as_json: bool) -> None:
    """List the skills in the configured folders, with the verdict of the scanner.

    Example: symbi skills list --json
    """
    from symbi_skills.skills_view import listed

    found = listed(_loader(ctx))
    if as_json:
        print_json({"skills": found})
        return
    rows = [
        [
            each["name"],
            "passed" if each["passed"] else f"failed ({each['findings']})",
            each["error"] or each["description"][:80],
            each["path"],
        ]
        for each in found
    ]
    table(["skill", "scan", "description", "path"], rows, empty="no skills found; see paths in [plugins.skills]")


@skills.command("show")
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show one skill as an agent would get it; exit 1 when it is refused. NAME is a skill or a folder.

    Example: symbi skills show pdf-tools
    """
    from symbi.contracts.errors import Forbidden, NotFound
    from symbi_skills.snippet import clean

    loader = _loader(ctx)
    try:
        folder = Path(name) if Path(name, "SKILL.md").is_file() else loader.find(name)
    except NotFound as error:
        raise click.UsageError(f"{error.message}; {error.hint}") from None
    try:
        loaded = loader.load(folder.resolve())
    except Forbidden as error:
        if as_json:
            print_json(
                {
                    "name": folder.name,
                    "path": str(folder),
                    "loaded": False,
                    "error": error.message,
                    "findings": (error.details or {})["findings"],
                }
            )
        else:
            click.echo(f"{error.message}\n  try: {error.hint}", err=True)
        ctx.exit(1)
    skill = loaded.skill
    if as_json:
        print_json(
            {
                "name": skill.name, "path": loaded.path, "loaded": True, "description": skill.description, "license": skill.license,
                "compatibility": skill.compatibility, "allowed_tools": list(skill.allowed_tools), "metadata": skill.metadata,
                "files": [{"path": path, "bytes": len(content)} for path, content in loaded.files.items()], "digest": loaded.digest,
                "instructions": skill.instructions,
            }
        )  # fmt: skip
        return
    click.echo(
        click.style(skill.name, bold=True)
        + f"  {clean(skill.description)}\n{clean(loaded.path)}, {len(loaded.files)} files, sha256 {loaded.digest[:16]}…\n"
    )
    click.echo("\n".join(clean(line) for line in skill.instructions.split("\n")))
