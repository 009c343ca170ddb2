"""How a server is reached: a program in a clean environment, or an HTTP endpoint whose address is checked."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbi.contracts.errors import ConfigError, Forbidden
from symbi.http.outbound import pin
from symbi_mcp.config import ServerConfig

if TYPE_CHECKING:
    import httpx2

__all__ = ["check_server", "transport_of"]

MOST_EVENT_BYTES = 8 * 1024 * 1024


def check_server(name: str, config: ServerConfig) -> None:
    """Raise `ConfigError` for a server that is neither a command nor a URL, or a URL that may not be asked."""
    path = f"plugins.mcp.servers.{name}"
    if bool(config.command) == bool(config.url):
        raise ConfigError(f"{path}: give either a command or a url", path=path)
    if config.url and not config.url.startswith("https://") and not config.allow_private:
        hint = "allow_private = true for a server of your own"
        raise ConfigError(f"{path}.url: only https is taken", path=f"{path}.url", hint=hint)


async def transport_of(name: str, config: ServerConfig, folder: Path, stack: AsyncExitStack) -> Any:
    """Return what the SDK's client connects to."""
    if config.command:
        from mcp import StdioServerParameters, stdio_client

        # The SDK passes on PATH, HOME, USER, LOGNAME, SHELL and TERM alone; everything else is what the configuration names.
        environment = {key: value.reveal() for key, value in config.env.items()}
        parameters = StdioServerParameters(command=config.command, args=list(config.args), env=environment, cwd=folder)
        quiet = stack.enter_context(Path("/dev/null").open("w"))  # noqa: ASYNC230, SIM115  # a device; the stack closes it
        return stdio_client(parameters, errlog=quiet)
    from mcp.client.streamable_http import streamable_http_client

    client = await stack.enter_async_context(_http_client(name, config))
    return streamable_http_client(config.url, http_client=client, max_sse_event_size=MOST_EVENT_BYTES)


def _http_client(name: str, config: ServerConfig) -> httpx2.AsyncClient:
    import httpx2

    setting = f"[plugins.mcp.servers.{name}] allow_private = true"

    class Pinned(httpx2.AsyncHTTPTransport):
        """Connects to the very address that was checked."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.scheme != "https" and not config.allow_private:
                raise Forbidden("only https is taken")
            url: Any = request.url
            pinned, options = await pin(url, allow_private=config.allow_private, setting=setting)
            request.url = pinned  # type: ignore[assignment]  # the URL type of the library that made it
            request.extensions = {**request.extensions, **options["extensions"]}
            return await super().handle_async_request(request)

    headers = {key: value.reveal() for key, value in config.headers.items()}
    timeout = httpx2.Timeout(config.startup_seconds, read=max(300.0, config.timeout_seconds))
    return httpx2.AsyncClient(
        headers=headers, timeout=timeout, transport=Pinned(), trust_env=False, follow_redirects=False
    )
