"""Tokens: the Bot Framework's, checked; and the bot's own, asked for once an hour."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any

from symbi.contracts.channels import ChannelRefused, SendFailed
from symbi_teams import failures

if TYPE_CHECKING:
    from symbi.kernel.clock import Clock
    from symbi_teams.calling import Caller
    from symbi_teams.config import TeamsConfig

__all__ = ["Keys", "OwnToken"]

_KEYS_SECONDS = 24 * 3600.0
_UNKNOWN_SECONDS = 300.0
_LEEWAY = 300
_REQUIRED = ["exp", "iss", "aud"]


class Keys:
    """The Bot Framework's public keys: fetched once a day, once more for a key that is not known, never more often than every five minutes."""

    def __init__(self, config: TeamsConfig, caller: Caller, clock: Clock) -> None:
        self._config = config
        self._caller = caller
        self._clock = clock
        self._keys: dict[str, Any] = {}
        self._fetched = -_KEYS_SECONDS
        self._tried = -_UNKNOWN_SECONDS
        self._lock = asyncio.Lock()

    async def verified(self, header: str, service_url: str) -> bool:
        """Tell whether an `Authorization` header is the Bot Framework's, for this bot and for this very service URL.

        Raises `SendFailed` where the keys cannot be fetched.
        """
        import jwt

        scheme, _, token = header.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > 16_384:
            return False
        try:
            facts = jwt.get_unverified_header(token)
            if facts.get("alg") != "RS256" or not isinstance(facts.get("kid"), str):
                return False
            unchecked = jwt.decode(token, options={"verify_signature": False})
            if unchecked.get("aud") != self._config.app_id or unchecked.get("iss") != self._config.issuer:
                return False
            key = await self._key(facts["kid"])
            if key is None:
                return False
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._config.app_id,
                issuer=self._config.issuer,
                leeway=_LEEWAY,
                options={"require": _REQUIRED},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return False
        claimed = claims.get("serviceurl", claims.get("serviceUrl"))
        return isinstance(claimed, str) and hmac.compare_digest(_bare(claimed), _bare(service_url))

    async def _key(self, key_id: str) -> Any:
        now = self._clock.monotonic()
        if key_id in self._keys and now - self._fetched < _KEYS_SECONDS:
            return self._keys[key_id]
        async with self._lock:
            now = self._clock.monotonic()
            stale = now - self._fetched >= _KEYS_SECONDS
            if key_id in self._keys and not stale:
                return self._keys[key_id]
            if stale or now - self._tried >= _UNKNOWN_SECONDS:
                if not stale:
                    self._tried = now
                await self._fetch()
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        import jwt

        about = await self._json(self._config.openid_url)
        found = await self._json(str(about.get("jwks_uri", "")))
        keys = {}
        for each in found.get("keys") or []:
            if isinstance(each, dict) and each.get("kty") == "RSA" and isinstance(each.get("kid"), str):
                try:
                    keys[each["kid"]] = jwt.PyJWK(each, algorithm="RS256").key
                except jwt.PyJWTError:
                    continue
        self._keys = keys
        self._fetched = self._clock.monotonic()

    async def _json(self, url: str) -> dict[str, Any]:
        answer = await self._caller.request("GET", url)
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.status_code != 200 or not isinstance(body, dict):
            raise SendFailed("the keys of the Bot Framework could not be fetched", retryable=True)
        return body


class OwnToken:
    """The bot's access token, by client credentials; kept until five minutes before its end."""

    def __init__(self, config: TeamsConfig, caller: Caller, clock: Clock) -> None:
        self._config = config
        self._caller = caller
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return "OwnToken()"

    async def header(self) -> dict[str, str]:
        """Return the `Authorization` header; raises `ChannelRefused` for refused credentials, `SendFailed` where nobody answers."""
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                await self._ask()
        return {"authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """Ask for another one next time: the service did not take this one."""
        self._token = ""

    async def _ask(self) -> None:
        assert self._config.app_password is not None
        url = f"{self._config.login_base_url.rstrip('/')}/{self._config.tenant_id}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": self._config.app_id,
            "client_secret": self._config.app_password.reveal(),
            "scope": "https://api.botframework.com/.default",
        }
        answer = await self._caller.request("POST", url, data=form)
        if answer.status_code in (400, 401, 403):
            raise ChannelRefused(
                "Microsoft refuses app_id and app_password", hint="check the app's client secret, it may be out of date"
            )
        if answer.status_code != 200:
            raise failures.of_status(answer.status_code, answer.headers, now=self._clock.now_ms() / 1000)
        body = answer.json()
        self._token = str(body.get("access_token", ""))
        self._until = self._clock.monotonic() + max(float(body.get("expires_in", 0)) - 300, 30)


def _bare(url: str) -> bytes:
    return url.rstrip("/").lower().encode("utf-8", "surrogatepass")
