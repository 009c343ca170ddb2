import asyncio
from mcp.server import Server

server = Server("count")


@server.call_tool()
async def call_tool(name, arguments):
    pattern = arguments["pattern"]
    process = await asyncio.create_subprocess_exec("bash", "-c", f"grep -c {pattern} notes.txt", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return [{"type": "text", "text": out.decode()}]
