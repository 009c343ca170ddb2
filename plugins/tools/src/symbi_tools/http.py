"""`http_get`: reads public web resources, each hop of a redirect checked, and connected to the very address that was checked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import InvalidRequest, NotFound, SymbiError, Unavailable
from symbi.contracts.tools import ToolProvider, ToolSpec
from symbi.http.outbound import pin
from symbi.kernel.context import PluginContext
from symbi_tools.config import HttpConfig

if TYPE_CHECKING:
    import ssl

    import httpx

__all__ = ["open_http"]

_TEXTUAL = ("text/", "application/json", "application/xml", "application/javascript")
_KEPT_HEADERS = ("content-type", "content-length", "last-modified", "etag", "date")


class _Http(ToolProvider):
    def __init__(self, config: HttpConfig) -> None:
        self._config = config
        self._tls: ssl.SSLContext | None = None

    async def tools(self) -> Sequence[ToolSpec]:
        url = {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 4096}
        return (
            ToolSpec(
                name="http_get",
                description="Fetch a public web resource by GET and return its status, headers and text.",
                parameters={
                    "type": "object",
                    "properties": {"url": url},
                    "required": ["url"],
                    "additionalProperties": False,
                },
                risk="medium",
                idempotent=True,
                timeout_seconds=self._config.timeout_seconds + 1,
                verified=True,
                network=True,
            ),
        )

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        import httpx

        if name != "http_get":
            raise NotFound(f"no tool {name!r} here")
        try:
            url = httpx.URL(arguments["url"])
            for _ in range(self._config.max_redirects + 1):
                answer = await self._get(url)
                if "location" not in answer:
                    return answer
                url = url.join(answer["location"])
        except httpx.InvalidURL as error:
            raise InvalidRequest(f"not a URL: {error}") from None
        except httpx.TimeoutException:
            raise Unavailable(f"{arguments['url']} did not answer within {self._config.timeout_seconds:g} s") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"{arguments['url']} cannot be reached: {type(error).__name__}") from None
        raise SymbiError(f"more than {self._config.max_redirects} redirects", code="TOO_MANY_REDIRECTS")

    async def _get(self, url: httpx.URL) -> dict[str, Any]:
        """Fetch one hop; an answer that redirects has `location`."""
        pinned, options = await pin(
            url, private_hosts=self._config.allow_private_hosts, setting="[plugins.http] allow_private_hosts"
        )
        options["headers"]["user-agent"] = self._config.user_agent
        async with self._client() as client, client.stream("GET", pinned, **options) as response:
            if response.is_redirect and "location" in response.headers:
                return {"location": response.headers["location"]}
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._config.max_body_bytes:
                    break
            return self._answer(url, response, bytes(body))

    def _answer(self, url: httpx.URL, response: httpx.Response, body: bytes) -> dict[str, Any]:
        kind = response.headers.get("content-type", "")
        cut = len(body) > self._config.max_body_bytes
        if body and not kind.startswith(_TEXTUAL) and "+json" not in kind and "+xml" not in kind:
            raise SymbiError(f"the answer is {kind or 'of unknown type'}, not text", code="NOT_TEXT")
        text = body[: self._config.max_body_bytes].decode(response.encoding or "utf-8", "replace")
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return {"status": response.status_code, "url": str(url), "headers": headers, "body": text, "truncated": cut}

    def _client(self) -> httpx.AsyncClient:
        """Return a client for one hop: nothing (cookies, connections) is shared between agents but the trusted certificates."""
        import httpx

        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return httpx.AsyncClient(
            timeout=self._config.timeout_seconds, follow_redirects=False, trust_env=False, verify=self._tls
        )


@asynccontextmanager
async def open_http(config: HttpConfig, _context: PluginContext) -> AsyncIterator[ToolProvider]:
    """Open the tool; the HTTP library is loaded at the first call."""
    yield _Http(config)
