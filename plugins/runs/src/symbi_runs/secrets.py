"""Secrets in the arguments of a tool: asked for one by one, put in for the tool alone, hidden in whatever comes back (SEC-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.effects import EffectCall, EffectContext
from symbi.contracts.errors import ServiceUnavailable
from symbi.contracts.hiding import Veil
from symbi.contracts.secrets import SecretStore, SecretStoreUnavailable, names_of_handles, with_values

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["asked_for", "fill_in"]


def asked_for(call: EffectCall, context: PluginContext) -> list[EffectCall]:
    """Return one call of kind `secret` for each secret that a tool call names, as the gate is to be asked about it.

    Raises `InvalidRequest` for a handle that is none, `ServiceUnavailable` where nobody keeps secrets.
    """
    names = names_of_handles(call.arguments) if call.kind == "tool" else ()
    if names and context.services.maybe(SecretStore) is None:
        raise ServiceUnavailable(
            f"no plugin keeps secrets, so {names[0]!r} cannot be put in",
            code="NO_SECRETS",
            hint="pip install symbi-secrets",
        )
    before = call.call_id or str(call.seq)
    return [
        msgspec.structs.replace(
            call, kind="secret", name=name, arguments={"tool": call.name}, call_id=f"{before}.secret.{number}"
        )
        for number, name in enumerate(names)
    ]


async def fill_in(call: EffectCall, run: EffectContext, context: PluginContext, veil: Veil) -> dict[str, Any]:
    """Return the arguments of a call that the gate has allowed with the values in them, each hidden from now on.

    Raises `SecretNotFound`, `SecretStoreUnavailable` and `AuditFailed`; the tool is then not called.
    """
    names = names_of_handles(call.arguments)
    if not names:
        return call.arguments
    store = context.services.get(SecretStore)
    values = {}
    for name in names:
        value = await store.get(name, reader=f"agent:{run.agent}", purpose=f"tool {call.name} of run {run.run_id}")
        try:
            veil.add(value)
        except ValueError as error:
            raise SecretStoreUnavailable(f"the secret {name!r} cannot be used: {error}") from None
        values[name] = value
    filled: dict[str, Any] = with_values(call.arguments, values)
    return filled
