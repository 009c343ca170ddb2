"""Offers of plugins, for commands that work without a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from symbi.cli.state import state_of

if TYPE_CHECKING:
    from symbi.kernel.points import ExtensionPoint

__all__ = ["catalogue", "offers"]


def offers(ctx: click.Context, point: ExtensionPoint) -> list[tuple[str, Any]]:
    """Return `(plugin, offer)` of a point, in the order of the plugins' names."""
    return [(entry.plugin.name, entry.item) for entry in state_of(ctx).manager.collect(point)]


def catalogue(ctx: click.Context, point: ExtensionPoint) -> Mapping[str, Any]:
    """Return the offers of a point by name."""
    return state_of(ctx).manager.catalogue(point)
