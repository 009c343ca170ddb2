import aiohttp
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("web")
@mcp.tool()
async def preview(link: str) -> str:
    async with aiohttp.ClientSession() as session:
        async with session.get(link) as resp:
            return (await resp.text())[:500]
