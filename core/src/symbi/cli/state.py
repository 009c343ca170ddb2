"""What one call of `symbi` knows: the files it was pointed to, and the settings and plugins it loads when they are first needed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from symbi.kernel.manager import PluginManager
    from symbi.kernel.settings import Settings

__all__ = ["CliState", "state_of"]


class CliState:
    """The options of the root command, and what follows from them."""

    def __init__(self, *, config: Path | None = None, data_dir: Path | None = None, plugins: bool = True) -> None:
        self.config = config
        self.data_dir = data_dir
        self.with_plugins = plugins

    @cached_property
    def settings(self) -> Settings:
        """Return the settings; raises `ConfigError`."""
        from symbi.kernel.settings import load_settings

        return load_settings(self.config, data_dir=self.data_dir)

    @cached_property
    def manager(self) -> PluginManager:
        """Return the plugin manager with the installed plugins, as the settings let them in."""
        from symbi.kernel.manager import PluginManager

        manager = PluginManager()
        if self.with_plugins:
            manager.discover(disabled=self.settings.plugins.disabled, only=self.settings.plugins.only)
        return manager

    def override(
        self, *, config: Path | None = None, data_dir: Path | None = None, plugins: bool | None = None
    ) -> CliState:
        """Return the state with a command's own options in the place of the root's; itself where there are none."""
        if config is None and data_dir is None and plugins is None:
            return self
        return CliState(
            config=config or self.config,
            data_dir=data_dir or self.data_dir,
            plugins=self.with_plugins if plugins is None else plugins,
        )


def state_of(ctx: click.Context) -> CliState:
    """Return the state of this call."""
    state = ctx.find_root().obj
    if not isinstance(state, CliState):
        state = ctx.find_root().obj = CliState()
    return state
