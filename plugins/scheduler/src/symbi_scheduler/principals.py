"""The rights of a schedule's creator, as they are now and not as they were (decisions: re-checked at fire time)."""

from __future__ import annotations

from symbi.contracts.errors import Forbidden
from symbi.contracts.principal import Principal
from symbi.contracts.scheduling import PrincipalDirectory
from symbi.kernel.context import PluginContext

__all__ = ["current_principal"]


async def current_principal(context: PluginContext, stored: Principal) -> Principal:
    """The principal with the rights it has now; raises Forbidden when its credential was revoked.

    Where no directory of credentials is open, the rights stored with the schedule count.
    """
    directory = context.services.maybe(PrincipalDirectory)
    if directory is None or stored.kind == "system":
        return stored
    found = await directory.current(stored.id)
    if found is None:
        raise Forbidden(
            f"the credential {stored.display_name or stored.id!r} that made this schedule is revoked",
            code="CREDENTIAL_REVOKED",
        )
    return found
