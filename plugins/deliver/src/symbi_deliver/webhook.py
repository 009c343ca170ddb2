"""The webhook target: one signed request for each attempt, to an address that was checked."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from symbi.contracts.delivery import Delivery, DeliveryOutcome
from symbi.contracts.errors import Forbidden, InvalidRequest, Unavailable
from symbi.http.outbound import allowed_address
from symbi.kernel.clock import Clock
from symbi.kernel.context import PluginContext
from symbi_deliver.config import DeliverSettings, WebhookConfig

__all__ = ["Webhook", "open_webhook", "signature"]

_RETRIED = frozenset({408, 425, 429})
_OWN_HEADERS = frozenset(
    {
        "host",
        "content-type",
        "content-length",
        "idempotency-key",
        "x-symbi-event",
        "x-symbi-signature",
        "transfer-encoding",
    }
)
_MOST_ANSWER = 64 * 1024


class Webhook:
    """Implements `Target` for one URL."""

    def __init__(self, config: WebhookConfig, *, clock: Clock, allow_private: bool) -> None:
        self._config = config
        self._clock = clock
        self._allow_private = allow_private
        self._host, self._port = _checked(config)

    async def deliver(self, delivery: Delivery) -> DeliveryOutcome:
        """Send once; any 2xx is success, 408, 425, 429, 5xx and network errors may be tried again."""
        import httpx

        try:
            address = await allowed_address(
                self._host, self._port, allow_private=self._allow_private, setting="[deliver] allow_private_hosts"
            )
            status, retry_after, reference = await self._send(delivery, address)
        except Forbidden as refused:
            return DeliveryOutcome(delivered=False, error=str(refused))
        except Unavailable as unresolved:
            return DeliveryOutcome(delivered=False, error=str(unresolved), retryable=True)
        except (httpx.HTTPError, OSError) as error:
            return DeliveryOutcome(delivered=False, error=f"{self._host}: {type(error).__name__}", retryable=True)
        if 200 <= status < 300:
            return DeliveryOutcome(delivered=True, status_code=status, reference=reference)
        retryable = status in _RETRIED or status >= 500
        wait = self._seconds(retry_after) if retryable else None
        return DeliveryOutcome(
            delivered=False,
            error=f"{self._host} answered {status}",
            status_code=status,
            retryable=retryable,
            retry_after=wait,
        )

    async def _send(self, delivery: Delivery, address: str) -> tuple[int, str | None, str]:
        import httpx

        body = msgspec.json.encode(delivery)
        literal = f"[{address}]" if ":" in address else address
        url = httpx.URL(self._config.url).copy_with(host=literal)
        async with (
            httpx.AsyncClient(timeout=self._config.timeout_seconds, trust_env=False, follow_redirects=False) as client,
            client.stream(
                self._config.method,
                url,
                content=body,
                headers=self._headers(delivery, body),
                extensions={"sni_hostname": self._host},
            ) as answer,
        ):
            read = 0
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > _MOST_ANSWER:
                    break
            return answer.status_code, answer.headers.get("retry-after"), answer.headers.get("location", "")[:500]

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        headers = {
            **self._config.headers,
            "Host": urlsplit(self._config.url).netloc.rpartition("@")[2],
            "Content-Type": "application/json",
            "Idempotency-Key": delivery.idempotency_key,
            "X-Symbi-Event": f"run.{delivery.status}",
            "User-Agent": "symbi-deliver",
        }
        if self._config.secret is not None:
            headers["X-Symbi-Signature"] = signature(
                self._config.secret.reveal(), body, at=self._clock.now_ms() // 1000
            )
        return headers

    def _seconds(self, retry_after: str | None) -> float | None:
        if retry_after is None:
            return None
        if retry_after.strip().isdigit():
            return float(min(int(retry_after.strip()[:9]), 86_400))
        try:
            moment = parsedate_to_datetime(retry_after)
        except (ValueError, TypeError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, aware.timestamp() - self._clock.now_ms() / 1000)


def signature(secret: str, body: bytes, *, at: int) -> str:
    """`t=<unix seconds>,v1=<hex>` with HMAC-SHA256 of `<t>.<body>`."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def _checked(config: WebhookConfig) -> tuple[str, int]:
    try:
        parts = urlsplit(config.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise InvalidRequest("the webhook's url is not valid", details={"field": "url"}) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise InvalidRequest("a webhook's url is http(s)://host/… without user or password", details={"field": "url"})
    for name, value in config.headers.items():
        if name.lower() in _OWN_HEADERS or not name.isascii() or any(ord(character) < 32 for character in name + value):
            raise InvalidRequest(f"the header {name[:64]!r} cannot be set", details={"field": "headers"})
    return parts.hostname, port


@asynccontextmanager
async def open_webhook(config: WebhookConfig, context: PluginContext) -> AsyncIterator[Webhook]:
    """Open a webhook; raises InvalidRequest for a URL or header that cannot be used."""
    allowed = context.settings.section("deliver", DeliverSettings).allow_private_hosts
    yield Webhook(config, clock=context.clock, allow_private=allowed)
