"""HTTP to Microsoft's services: every address is checked, nothing is followed, no proxy of the environment is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbi.contracts.channels import SendFailed
from symbi.contracts.errors import SymbiError
from symbi.http.outbound import pin

if TYPE_CHECKING:
    import httpx

__all__ = ["SETTING", "Caller"]

SETTING = "[channels] allow_private_hosts = true opens private addresses"
_MOST = 1024 * 1024


class Caller:
    """Sends one request and returns the whole answer."""

    def __init__(self, client: httpx.AsyncClient, *, allow_private: bool) -> None:
        self._client = client
        self.allow_private = allow_private

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send it; raises `SendFailed` where nobody was reached or may be."""
        import httpx

        headers = options.pop("headers", {})
        try:
            where, pinned = await pin(httpx.URL(url), allow_private=self.allow_private, setting=SETTING)
            pinned["headers"] = {**headers, **pinned["headers"]}
            answer = await self._client.request(method, where, **pinned, **options)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise SendFailed(f"Teams was not reached: {type(error).__name__}", retryable=True) from None
        except SymbiError as error:
            raise SendFailed(error.message, retryable=error.error_code == "UNAVAILABLE") from None
        if len(answer.content) > _MOST:
            raise SendFailed("the answer is too large", retryable=True)
        return answer
