"""A small MCP client over HTTP that reads no more than it is told to, follows nothing, and believes no id but its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.errors import ConfigError, Forbidden, InvalidRequest, SymbiError, Unavailable
from symbi.contracts.secret import Secret
from symbi.http.outbound import pin
from symbi_composio.config import ComposioConfig

if TYPE_CHECKING:
    import httpx

__all__ = ["ComposioClient", "ComposioFailed", "endpoint_of"]

PROTOCOL = "2025-06-18"
REMEDY = "set COMPOSIO_API_KEY and COMPOSIO_MCP_URL"


class ComposioFailed(SymbiError):
    """Composio answered with an error, or with something that is no answer."""

    code = "COMPOSIO_FAILED"


def endpoint_of(config: ComposioConfig, environ: Mapping[str, str]) -> tuple[str, Secret]:
    """Return the endpoint and the key; raises `ConfigError` where one is missing, or where the endpoint is not allowed."""
    import httpx

    text = environ.get("COMPOSIO_API_KEY", "").strip()
    key = Secret(text) if text else config.api_key
    url = environ.get("COMPOSIO_MCP_URL", "").strip() or config.url
    if not key or not url:
        raise ConfigError("plugins.composio: the key or the endpoint is missing", path="plugins.composio", hint=REMEDY)
    parsed = httpx.URL(url)
    if parsed.scheme != "https" and not config.allow_private:
        raise ConfigError("plugins.composio.url: only https is taken", path="plugins.composio.url")
    if parsed.host not in config.hosts:
        hint = "add it to [plugins.composio] hosts if it is meant"
        raise ConfigError(
            f"plugins.composio.url: {parsed.host!r} is not one of the hosts", path="plugins.composio.url", hint=hint
        )
    return url, key


class ComposioClient:
    """Speaks with one endpoint; the session is opened at the first request."""

    def __init__(self, config: ComposioConfig, url: str, key: Secret) -> None:
        self._config = config
        self._url = url
        self._key = key
        self._http: httpx.AsyncClient | None = None
        self._session = ""
        self._number = 0

    async def catalogue(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the tools of the catalogue, page by page, at most `max_tools`."""
        cursor: str | None = None
        seen = 0
        while True:
            page = await self.request("tools/list", {"cursor": cursor} if cursor else {})
            tools = page.get("tools")
            if not isinstance(tools, list):
                raise ComposioFailed("Composio's list of tools is none")
            for tool in tools:
                seen += 1
                if seen > self._config.max_tools:
                    return
                if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                    yield tool
            cursor = page.get("nextCursor") if isinstance(page.get("nextCursor"), str) else None
            if not cursor or not tools:
                return

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Make one request and return its result; raises `ComposioFailed` or `Unavailable`."""
        if not self._session:
            hello = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "symbi", "version": "0.1"}}
            await self._send("initialize", hello)
            self._session = self._session or "none"
            await self._send("notifications/initialized", {}, notify=True)
        return await self._send(method, params)

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _send(self, method: str, params: dict[str, Any], *, notify: bool = False) -> dict[str, Any]:
        import httpx

        self._number += 1
        body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if not notify:
            body["id"] = self._number
        try:
            url, options = await pin(httpx.URL(self._url), allow_private=self._config.allow_private)
            options["headers"].update(self._headers())
            async with self._client().stream("POST", url, content=msgspec.json.encode(body), **options) as response:
                if not 200 <= response.status_code < 300:
                    # Redirects too: nothing is followed, wherever it leads.
                    raise ComposioFailed(f"Composio answered {response.status_code}")
                self._session = response.headers.get("mcp-session-id", self._session)
                if notify:
                    return {}
                return self._result(await self._body(response), response.headers.get("content-type", ""), self._number)
        except (Forbidden, InvalidRequest) as error:
            raise ComposioFailed(error.message, code=error.error_code) from None
        except httpx.TimeoutException:
            raise Unavailable(f"Composio did not answer within {self._config.timeout_seconds:g} s") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"Composio cannot be reached ({type(error).__name__})") from None

    def _headers(self) -> dict[str, str]:
        headers = {
            "x-api-key": self._key.reveal(),
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
        }
        if self._session not in ("", "none"):
            headers["mcp-session-id"] = self._session
        return headers

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > self._config.max_body_bytes:
                raise ComposioFailed(f"Composio's answer has more than {self._config.max_body_bytes} bytes")
        return bytes(body)

    def _result(self, body: bytes, kind: str, number: int) -> dict[str, Any]:
        for text in _messages(body) if kind.startswith("text/event-stream") else [body]:
            try:
                message = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError):
                raise ComposioFailed("Composio's answer is no JSON") from None
            if not isinstance(message, dict) or message.get("id") != number or type(message.get("id")) is not int:
                continue
            if isinstance(message.get("error"), dict):
                raise ComposioFailed(f"Composio refused: {str(message['error'].get('message'))[:300]}")
            result = message.get("result")
            if isinstance(result, dict):
                return result
        raise ComposioFailed("Composio answered something else than what was asked")

    def _client(self) -> httpx.AsyncClient:
        import ssl

        import httpx

        if self._http is None:
            verify: Any = True
            if self._config.ca_file:
                verify = ssl.create_default_context(cafile=str(Path(self._config.ca_file)))
            timeout = self._config.timeout_seconds
            self._http = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False, verify=verify)
        return self._http


def _messages(body: bytes) -> list[bytes]:
    """Return the data of each server-sent event."""
    found = []
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        if data:
            found.append(b"\n".join(data))
    return found
