"""The service: the encrypted file and the allowed names of the environment as one store, every reading and change on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import ConfigError, Conflict, InvalidRequest, SymbiError
from symbi.contracts.health import Health, healthy, unhealthy
from symbi.contracts.principal import Principal
from symbi.contracts.secret import Secret
from symbi.contracts.secrets import (
    SecretNotFound,
    SecretStore,
    SecretStoreUnavailable,
    check_secret_name,
)
from symbi.kernel.clock import rfc3339
from symbi_secrets.config import SecretsConfig
from symbi_secrets.vault import Vault

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["LEAST", "MOST", "SecretView", "Secrets", "open_secrets"]

LEAST = 4
"""A shorter value could not be masked without masking half of every text."""
MOST = 65_536


class SecretView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be told of a secret; `source` is `file` or `environment`."""

    name: str
    source: str
    version: int | None = None
    changed_at: str | None = None


class Secrets(SecretStore):
    """The store; names of the environment's allow-list come first and cannot be set here."""

    def __init__(self, config: SecretsConfig, context: PluginContext) -> None:
        self._environment = config.environment
        self._context = context
        self._vault = Vault(context.data_dir / (config.directory or "secrets"), context.environ)

    async def get(self, name: str, *, reader: str = "runtime", purpose: str = "") -> Secret:
        check_secret_name(name)
        try:
            value = await self._value(name)
        except SymbiError as error:
            await self._record("secret.read", name, reader, outcome=error.error_code.lower(), purpose=purpose)
            raise
        await self._record("secret.read", name, reader, outcome="done", purpose=purpose)
        return value

    async def names(self) -> Sequence[str]:
        return [view.name for view in await self.views()]

    async def views(self) -> list[SecretView]:
        """Return what may be told of every secret, sorted by name."""
        views = {
            name: SecretView(name=name, source="file", version=version, changed_at=changed_at)
            for name, version, changed_at in await asyncio.to_thread(self._vault.entries)
        }
        for name in self._environment:
            if self._context.environ.get(name):
                views[name] = SecretView(name=name, source="environment")
        return [view for _, view in sorted(views.items())]

    async def set(self, name: str, value: Secret, *, by: Principal) -> SecretView:
        """Keep a value of 4 characters to 64 KiB; raises `InvalidRequest`, `Conflict` for a name of the environment."""
        check_secret_name(name)
        self._not_of_the_environment(name)
        text = value.reveal()
        if len(text.strip()) < LEAST or len(text.encode("utf-8", "surrogatepass")) > MOST:
            raise InvalidRequest(
                f"a secret has {LEAST} characters to {MOST} bytes", code="SECRET_SIZE", details={"field": "value"}
            )
        await self._record("secret.set", name, by, outcome="begun")
        changed_at = rfc3339(self._context.clock.now())
        version = await asyncio.to_thread(self._vault.set, name, value, changed_at=changed_at)
        await self._record("secret.set", name, by, outcome="done", version=version)
        return SecretView(name=name, source="file", version=version, changed_at=changed_at)

    async def remove(self, name: str, *, by: Principal) -> None:
        """Forget a value; raises `SecretNotFound`, `Conflict` for a name of the environment."""
        check_secret_name(name)
        self._not_of_the_environment(name)
        await self._record("secret.removed", name, by, outcome="begun")
        await asyncio.to_thread(self._vault.remove, name)
        await self._record("secret.removed", name, by, outcome="done")

    async def rotate(self, *, by: Principal) -> int:
        """Seal everything under new keys; return the number of values."""
        await self._record("secret.rotated", "", by, outcome="begun")
        count = await asyncio.to_thread(self._vault.rotate)
        await self._record("secret.rotated", "", by, outcome="done", secrets=count)
        return count

    async def health(self) -> Health:
        """Say whether every value can be read, and whose the master key is."""
        missing = [name for name in self._environment if not self._context.environ.get(name)]
        try:
            count = await asyncio.to_thread(self._vault.check)
            figures = {"secrets": count, "master_key": await asyncio.to_thread(self._vault.master), "missing": missing}
        except SecretStoreUnavailable as error:
            return unhealthy(error.message, remedy=error.hint or "")
        if missing:
            return healthy(f"not set in the environment: {', '.join(missing)}", **figures)
        return healthy(f"{count} in the file", **figures)

    async def _value(self, name: str) -> Secret:
        if name in self._environment:
            found = self._context.environ.get(name, "")
            if not found:
                raise SecretNotFound(f"the environment variable {name} is not set", hint=f"export {name}=…")
            if len(found.strip()) < LEAST:
                raise SecretStoreUnavailable(f"the environment variable {name} has fewer than {LEAST} characters")
            return Secret(found)
        return await asyncio.to_thread(self._vault.get, name)

    def _not_of_the_environment(self, name: str) -> None:
        if name in self._environment:
            raise Conflict(
                f"{name!r} comes from the environment, by [secrets] environment",
                hint="change it there",
                code="SECRET_FIXED",
            )

    async def _record(self, kind: str, name: str, who: Principal | str, *, outcome: str, **details: object) -> None:
        """Write the audit record, names only; what cannot be recorded is not done."""
        log = self._context.services.maybe(AuditLog)
        if log is not None:
            await log.append(
                kind, principal=who, subject=f"vault://{name}" if name else "", outcome=outcome, details=details
            )


@asynccontextmanager
async def open_secrets(config: SecretsConfig, context: PluginContext) -> AsyncIterator[Secrets]:
    """Open the store; what is wrong with its file shows in health and at each use, and stops nothing else."""
    for name in config.environment:
        try:
            check_secret_name(name)
        except InvalidRequest as error:
            raise ConfigError(f"secrets.environment: {error.message}", path="secrets.environment") from None
    yield Secrets(config, context)
