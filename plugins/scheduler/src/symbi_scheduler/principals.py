"""The rights of a schedule's creator, as they are now and not as they were: looked up again at every fire."""

from __future__ import annotations

from datetime import datetime

from symbi.contracts.errors import ConfigError, Forbidden, Unavailable
from symbi.contracts.principal import Principal
from symbi.contracts.scheduling import PrincipalDirectory
from symbi.kernel.context import PluginContext

__all__ = ["current_principal"]


async def current_principal(context: PluginContext, stored: Principal) -> Principal:
    """The principal with the rights it has now; raises Forbidden when its credential is gone, revoked or has run out.

    A directory of credentials is asked where one is open; API keys are looked up in the key file; anybody else keeps the rights that were
    stored. Raises Unavailable while the key file cannot be read, so that the fire waits instead of running with rights nobody can check.
    """
    if stored.kind == "system":
        return stored
    directory = context.services.maybe(PrincipalDirectory)
    if directory is not None:
        found = await directory.current(stored.id)
    elif stored.id.startswith("key:"):
        found = _from_key_file(context, stored.id.removeprefix("key:"))
    else:
        found = stored
    if found is None:
        name = stored.display_name or stored.id
        raise Forbidden(
            f"the credential {name!r} that made this schedule is no longer valid", code="CREDENTIAL_REVOKED"
        )
    return found


def _from_key_file(context: PluginContext, key_id: str) -> Principal | None:
    from symbi.http.keys import keys_path, load_keys, principal_of_key

    path = keys_path(context.data_dir)
    if not path.exists():
        return None
    try:
        record = load_keys(path).get(key_id)
    except ConfigError as error:
        raise Unavailable(f"credentials cannot be checked now: {error.message}", hint=error.hint) from None
    if record is None or record.revoked:
        return None
    if record.expires_at is not None and datetime.fromisoformat(record.expires_at) <= context.clock.now():
        return None
    return principal_of_key(record)
