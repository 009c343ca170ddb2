"""What the warm process imports beforehand: the interpreters of the installed agent languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["interpreters"]


def interpreters(context: PluginContext) -> tuple[str, ...]:
    """Return the modules of the interpreters that the installed languages name."""
    from symbi.kernel.points import AGENT_LANGUAGES

    references = [offer.entry for offer in context.catalogue(AGENT_LANGUAGES).values()]
    return tuple(reference.partition(":")[0] for reference in references if isinstance(reference, str) and reference)
