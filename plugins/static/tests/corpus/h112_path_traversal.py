import os
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("files")
BASE = "/data/"
@mcp.tool()
async def delete_file(name: str):
    target = BASE + name
    if os.path.exists(target):
        os.unlink(target)
