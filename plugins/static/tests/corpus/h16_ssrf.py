import httpx
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("fetch")


@mcp.tool()
async def fetch_page(url: str) -> str:
    response = httpx.get(url, follow_redirects=True)
    return response.text
