"""The runtime as an MCP server: agents, runs and approvals as tools; every call goes through the HTTP API, under the caller's rights and policy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click
    from mcp.server.mcpserver import MCPServer

    from symbi.cli.client import ApiClient

__all__ = ["make_server", "serve_stdio"]

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.2
_ENDS = frozenset({"completed", "failed", "terminated", "lost"})


def make_server(client: ApiClient) -> MCPServer[Any]:
    """Return the server whose tools ask the API through `client`."""
    from mcp.server.mcpserver import MCPServer

    server: MCPServer[Any] = MCPServer("symbi", instructions="Agents that run under policy.")

    async def asked(method: str, path: str, body: Any = None) -> Any:
        try:
            return await asyncio.to_thread(client.request, method, path, body)
        except SystemExit:
            # The client of the command line leaves on an error; a server must not.
            raise ValueError("the runtime refused; symbi runs list and the audit log say why") from None

    @server.tool()
    async def list_agents() -> Any:
        """List the agents that may be run."""
        return await asked("GET", "/agents?detail=true")

    @server.tool()
    async def invoke_agent(agent: str, message: str) -> Any:
        """Run an agent and return how it ended, or the run as it is after a minute."""
        run = await asked("POST", "/runs", {"agent": agent, "input": {"message": message}})
        waited = 0.0
        while run["status"] not in _ENDS and waited < WAIT_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
            run = await asked("GET", f"/runs/{run['run_id']}")
        return {name: run[name] for name in ("run_id", "agent", "status", "result", "error")}

    @server.tool()
    async def get_run(run_id: str) -> Any:
        """Show one run."""
        return await asked("GET", f"/runs/{run_id}")

    @server.tool()
    async def cancel_run(run_id: str) -> Any:
        """Ask a run to stop."""
        return await asked("POST", f"/runs/{run_id}/cancel", {})

    @server.tool()
    async def list_approvals() -> Any:
        """List the actions that wait for a person."""
        return await asked("GET", "/approvals?status=pending")

    return server


def serve_stdio(ctx: click.Context) -> None:
    """Serve over standard input and output until the client leaves."""
    from symbi.cli.client import api

    with api(ctx) as client:
        asyncio.run(make_server(client).run_stdio_async())
