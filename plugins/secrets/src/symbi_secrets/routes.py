"""`/api/v1/secrets`: administrators only; no route ever answers with a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from litestar import delete, get, post

from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.contracts.secret import Secret
from symbi.contracts.secrets import SecretStore, check_secret_name
from symbi.http import require_admin
from symbi.kernel.services import Services

if TYPE_CHECKING:
    from symbi_secrets.service import Secrets

__all__ = ["HANDLERS", "NewSecret"]

_ADMIN: list[Any] = [require_admin]


class NewSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /secrets`."""

    name: str
    value: str

    def __repr__(self) -> str:
        return f"NewSecret({self.name!r})"


@get("/secrets", guards=_ADMIN)
async def list_secrets(services: Services) -> dict[str, Any]:
    """List the secrets: names, sources and versions."""
    return {"secrets": [msgspec.to_builtins(view) for view in await _store(services).views()]}


@post("/secrets", status_code=200, guards=_ADMIN)
async def set_secret(data: NewSecret, principal: Principal, services: Services) -> dict[str, Any]:
    """Keep a value under a name; an earlier value is replaced and its version counted on."""
    await _permit(services, principal, check_secret_name(data.name))
    found: dict[str, Any] = msgspec.to_builtins(await _store(services).set(data.name, Secret(data.value), by=principal))
    return found


@post("/secrets/rotate", status_code=200, guards=_ADMIN)
async def rotate_secrets(principal: Principal, services: Services) -> dict[str, int]:
    """Seal every value anew, under a new data key and the master key of today."""
    await _permit(services, principal, "")
    return {"resealed": await _store(services).rotate(by=principal)}


@delete("/secrets/{name:path}", status_code=200, guards=_ADMIN)
async def remove_secret(name: str, principal: Principal, services: Services) -> dict[str, Any]:
    """Forget a value; 404 where there is none."""
    name = check_secret_name(name.removeprefix("/"))
    await _permit(services, principal, name)
    await _store(services).remove(name, by=principal)
    return {"name": name, "removed": True}


def _store(services: Services) -> Secrets:
    return cast("Secrets", services.get(SecretStore))


async def _permit(services: Services, principal: Principal, name: str) -> None:
    """Ask the gate where one is installed; the administrator's right is checked before."""
    gate = services.maybe(Gate)
    if gate is not None:
        request = PolicyRequest(
            principal=principal,
            action="secret_write",
            target=name,
            resource=ResourceFacts(type="Secret", id=name or "*"),
            surface="api",
            source="api",
        )
        await gate.authorize(request)


HANDLERS = [list_secrets, set_secret, rotate_secrets, remove_secret]
