"""The root command: finds commands in the plugins' catalogue and imports one only when it is used."""

from __future__ import annotations

import difflib
import logging
import sys
from pathlib import Path
from typing import Any

import click

from symbi.cli.output import error_exit
from symbi.cli.state import CliState, state_of
from symbi.contracts.errors import ConfigError, InvalidRequest, SymbiError
from symbi.contracts.offers import Command, load

__all__ = ["main", "symbi"]

CORE_COMMANDS = (
    Command(name="init", load="symbi.cli.init:init", summary="Write a small working project."),
    Command(name="up", load="symbi.cli.up:up", summary="Start the server: API, scheduler, channels, console."),
    Command(
        name="doctor", load="symbi.cli.doctor:doctor", summary="Check everything that can be checked before a start."
    ),
    Command(name="plugins", load="symbi.cli.plugins:plugins", summary="Show, check and make plugins."),
    Command(name="keys", load="symbi.http.keys_cli:keys", summary="Make, list and revoke API keys."),
    Command(name="completion", load="symbi.cli.completion:completion", summary="Print the shell completion script."),
)


class Shelf(click.Group):
    """A group whose commands are looked up when they are needed; the root, and groups that several plugins share."""

    def __init__(self, words: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        self.words = words

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self._entries(ctx), *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = next((command for command in CORE_COMMANDS if not self.words and command.name == cmd_name), None)
        if own is not None:
            return _load(own)  # without looking for plugins, so that `symbi doctor` works whatever is wrong with them
        entries = self._entries(ctx).get(cmd_name)
        if not entries:
            return super().get_command(ctx, cmd_name)
        whole = [command for command in entries if command.name.split() == [*self.words, cmd_name]]
        if not whole:
            return Shelf((*self.words, cmd_name), name=cmd_name, help=_joined(entries))
        found = _load(whole[0])
        if len(entries) > 1 and isinstance(found, click.Group):
            shelf = Shelf((*self.words, cmd_name), name=cmd_name, help=found.help)
            shelf.commands.update(found.commands)
            return shelf
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        entries = self._entries(ctx)
        for name in self.list_commands(ctx):
            commands = entries.get(name)
            if commands:
                exact = [command for command in commands if command.name.split() == [*self.words, name]]
                rows.append(
                    (name, (exact or commands)[0].summary if exact or len(commands) == 1 else _joined(commands))
                )
            else:
                rows.append((name, super().get_command(ctx, name).get_short_help_str(80)))  # type: ignore[union-attr]  # listed by click itself
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(ctx, args)

    def _entries(self, ctx: click.Context) -> dict[str, list[Command]]:
        depth = len(self.words)
        entries: dict[str, list[Command]] = {}
        for command in (*CORE_COMMANDS, *_offered(ctx)):
            words = command.name.split()
            if tuple(words[:depth]) == self.words and len(words) > depth:
                entries.setdefault(words[depth], []).append(command)
        return entries


@click.group(
    cls=Shelf,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=False,
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file (default: symbi.toml, or SYMBI_CONFIG).",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where data is kept (default: .symbi, or SYMBI_DATA_DIR).",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _param, value: _version(ctx) if value else None,
    help="Print the version.",
)
@click.pass_context
def symbi(ctx: click.Context, config: Path | None, data_dir: Path | None) -> None:
    """Run AI agents under policy, with every effect gated and every decision recorded.

    Start with `symbi init my-project`, then `symbi run agents/hello.symbi`.
    """
    ctx.obj = CliState(config=config, data_dir=data_dir)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exits 0 done, 1 the thing checked is not good, 2 wrong usage or unreadable input."""
    logging.getLogger("symbi").addHandler(
        logging.NullHandler()
    )  # commands speak for themselves; `symbi up` sets up logging
    try:
        symbi.main(args=arguments, prog_name="symbi", standalone_mode=True)
    except SymbiError as error:
        error_exit(error.message, hint=error.hint, code=2 if isinstance(error, ConfigError | InvalidRequest) else 1)


def _offered(ctx: click.Context) -> list[Command]:
    from symbi.kernel.points import COMMANDS

    state = state_of(ctx)
    try:
        return [entry.item for entry in state.manager.collect(COMMANDS)]
    except ConfigError:
        if "--help" in sys.argv or "-h" in sys.argv:
            return []
        raise


def _load(command: Command) -> click.Command:
    try:
        found = load(command.load)
    except Exception as error:
        raise SymbiError(
            f"the command {command.name!r} cannot be loaded: {type(error).__name__}: {error}",
            hint="symbi plugins doctor",
        ) from error
    if not isinstance(found, click.Command):
        raise SymbiError(
            f"the command {command.name!r} is a {type(found).__name__}, not a click command",
            hint="symbi plugins doctor",
        )
    found.name = command.name.split()[-1]
    return found


def _joined(commands: list[Command]) -> str:
    return " ".join(command.summary for command in commands[:4])


def _version(ctx: click.Context) -> None:
    from symbi.kernel.kernel import core_version

    click.echo(f"symbi {core_version()}")
    ctx.exit()
