"""The group of commands; each is imported when it is used."""

from __future__ import annotations

import importlib

import click

__all__ = ["cron"]

_COMMANDS = {
    "next": "preview:next_command",
    "explain": "explain:explain_command",
    "week": "week:week_command",
    "list": "keeping:list_command",
    "show": "keeping:show_command",
    "add": "adding:add_command",
    "pause": "keeping:pause_command",
    "resume": "keeping:resume_command",
    "reset": "keeping:reset_command",
    "remove": "keeping:remove_command",
    "trigger": "keeping:trigger_command",
    "history": "past:history_command",
    "backfill": "past:backfill_command",
    "import": "importing:import_command",
}


class _Lazy(click.Group):
    """Knows the names of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found: click.Command = getattr(importlib.import_module(f"symbi_scheduler.cli.{module}"), attribute)
        return found


@click.group(cls=_Lazy)
def cron() -> None:
    """Preview cron expressions and keep schedules.

    Example: symbi cron next "0 0 9 * * 1-5" --timezone Europe/Berlin
    """
