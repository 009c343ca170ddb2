"""An MCP server for tests: `mcp_fake.py FOLDER`; what it offers is read from FOLDER/tools.json at each listing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool

folder = Path(sys.argv[1])
with (folder / "starts").open("a") as file:
    file.write(f"{os.getpid()}\n")
(folder / "environment.json").write_text(json.dumps(dict(os.environ)))
server: MCPServer[Any] = MCPServer("fake")
texts = json.loads((folder / "tools.json").read_text())


async def echo(text: str) -> str:
    return f"echo: {text}"


async def hang(text: str) -> str:
    await asyncio.sleep(60)
    return "late"


async def fail(text: str) -> str:
    raise ValueError("it went wrong")


async def huge(text: str) -> str:
    return "x" * 20_000


for name, function in (("echo", echo), ("hang", hang), ("fail", fail), ("huge", huge)):
    if name in texts:
        server.add_tool(function, name=name, description=texts[name])
assert Tool
server.run("stdio")
