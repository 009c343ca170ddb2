"""How many secrets there are, for the metrics snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbi.contracts.secrets import SecretStore

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["collect_flat"]


async def collect_flat(context: PluginContext) -> dict[str, int]:
    """Return `secrets_count`, one of the numbers at the top level of the snapshot."""
    return {"secrets_count": len(await context.services.get(SecretStore).names())}
