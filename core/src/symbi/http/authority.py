"""Who may enter: one static token, or the key file; never both (A-20)."""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import ConfigError, RateLimited, Unauthorized, Unavailable
from symbi.contracts.principal import Principal
from symbi.http.buckets import Buckets
from symbi.http.hashing import DUMMY_HASH, Hasher
from symbi.http.keys import KeyRecord, keys_path, load_keys, principal_of_key
from symbi.http.tokens import StaticToken, static_token

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection

    from symbi.http.settings import AuthSettings
    from symbi.kernel.clock import Clock
    from symbi.kernel.settings import Settings

__all__ = ["TOKEN_PRINCIPAL", "Authority", "authenticate", "open_authority"]

_log = logging.getLogger("symbi.http.auth")
TOKEN_PRINCIPAL = Principal(id="token", kind="admin", admin=True, display_name="API token")
_DENIED = "The bearer token is missing or not valid."


class Authority:
    """Turns an `Authorization` header into a principal.

    While the key file has records it alone decides. It is looked at again whenever it changes; one that vanishes or breaks while the server
    runs closes the door instead of handing it back to the token. Costs: one Argon2 verify per key and minute, and one per failed try, as many
    tries as a client's bucket allows, whether the key's id exists or not (A-10, F-30).
    """

    def __init__(self, *, token: StaticToken | None, keys: Path, clock: Clock, cache_seconds: float = 60.0) -> None:
        self._token = token
        self._path = keys
        self._clock = clock
        self._hasher = Hasher()
        self._tries = Buckets(burst=20, per_second=1.0, monotonic=clock.monotonic, capacity=10_000)
        self._digest_key = secrets.token_bytes(32)
        self._cache: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._cache_seconds = cache_seconds
        self._verifying: dict[bytes, asyncio.Future[str]] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._records: dict[str, KeyRecord] | None = None
        self._seen = False
        self._refresh()

    @property
    def configured(self) -> bool:
        """Tell whether anybody can enter at all."""
        return self._records is not None or self._token is not None

    @property
    def kind(self) -> str:
        """Return `keys`, `token` or `none`."""
        return "keys" if self._records is not None else "token" if self._token is not None else "none"

    async def authenticate(self, header: bytes | None, *, client: str) -> Principal:
        """Return who presents the header; raises `Unauthorized`, `RateLimited`, or `Unavailable` where the key file has become unusable."""
        presented = _bearer(header)
        try:
            self._refresh()
        except ConfigError as error:
            _log.error("nobody can be let in: %s", error)
            raise Unavailable("Credentials cannot be checked now.") from None
        if presented is None:
            raise Unauthorized(_DENIED)
        if self._records is not None:
            return await self._by_key(presented, self._records, client)
        if self._token is not None and self._token.matches(presented):
            return TOKEN_PRINCIPAL
        raise Unauthorized(_DENIED)

    async def _by_key(self, presented: bytes, records: dict[str, KeyRecord], client: str) -> Principal:
        digest = hmac.digest(self._digest_key, presented, "sha256")
        key_id = self._remembered(digest)
        if not key_id:
            verifying = self._verifying.get(digest)
            if verifying is None:
                verifying = self._verifying[digest] = asyncio.ensure_future(
                    self._verify(presented, digest, records, client)
                )
                verifying.add_done_callback(lambda _: self._verifying.pop(digest, None))
            key_id = await asyncio.shield(verifying)
        record = (self._records or {}).get(key_id)
        if record is None or not _usable(record, self._clock.now()):
            raise Unauthorized(_DENIED)
        return principal_of_key(record)

    async def _verify(self, presented: bytes, digest: bytes, records: dict[str, KeyRecord], client: str) -> str:
        """Return the id of the key whose secret this is, or the empty text."""
        key_id, dot, secret = presented.partition(b".")
        if not dot or not secret or len(presented) > 512:
            return ""
        wait = self._tries.take(client)
        if wait:
            raise RateLimited("Too many credentials were tried.", retry_after=wait)
        record = records.get(key_id.decode("latin-1"))
        if not await self._hasher.verify(secret, record.key_hash if record else DUMMY_HASH) or record is None:
            return ""
        current = (self._records or {}).get(record.key_id)
        if current is None or current.key_hash != record.key_hash:
            return ""
        self._remember(digest, record.key_id)
        return record.key_id

    def _remembered(self, digest: bytes) -> str:
        key_id, until = self._cache.get(digest, ("", 0.0))
        return key_id if until > self._clock.monotonic() else ""

    def _remember(self, digest: bytes, key_id: str) -> None:
        self._cache[digest] = (key_id, self._clock.monotonic() + self._cache_seconds)
        self._cache.move_to_end(digest)
        while len(self._cache) > 1024:
            self._cache.popitem(last=False)

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            if self._seen:
                raise ConfigError(
                    f"the key file {self._path} has vanished",
                    path="auth.keys",
                    hint="restore it, or restart to use the token",
                ) from None
            return
        except OSError as error:
            raise ConfigError(
                f"the key file {self._path} cannot be read: {error.strerror}",
                path="auth.keys",
                hint="check who owns it",
            ) from None
        stamp = (status.st_mtime_ns, status.st_ino, status.st_ctime_ns)
        if stamp == self._stamp:
            return
        self._seen = True
        self._cache.clear()
        self._records = load_keys(self._path)
        self._stamp = stamp


def open_authority(settings: Settings, clock: Clock, auth: AuthSettings) -> Authority:
    """Return the authority that the settings name; raises `ConfigError` for a weak token or an unusable key file."""
    return Authority(token=static_token(auth, settings.environ), keys=keys_path(settings.data_dir), clock=clock)


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """Return who presents the connection's bearer token; for guards of routes that are `open` to another kind of credential as well."""
    authority: Authority = connection.app.state.authority
    header = connection.headers.get("authorization")
    client = connection.scope.get("symbi.client", "")
    return await authority.authenticate(header.encode("latin-1") if header else None, client=str(client))


def _bearer(header: bytes | None) -> bytes | None:
    if header is None:
        return None
    scheme, _, token = header.partition(b" ")
    return token.strip() or None if scheme.lower() == b"bearer" else None


def _usable(record: KeyRecord, now: datetime) -> bool:
    if record.revoked:
        return False
    if record.expires_at is None:
        return True
    try:
        until = datetime.fromisoformat(record.expires_at)
    except ValueError:
        return False
    return now < (until if until.tzinfo else until.replace(tzinfo=UTC))
