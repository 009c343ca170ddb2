import asyncio
from mcp.server.fastmcp import FastMCP, Context
mcp = FastMCP("x")
@mcp.tool()
async def lint(path: str, ctx: Context) -> str:
    proc = await asyncio.create_subprocess_shell(f"ruff check {path}", stdout=asyncio.subprocess.PIPE)
    out, _ = await proc.communicate()
    return out.decode()
