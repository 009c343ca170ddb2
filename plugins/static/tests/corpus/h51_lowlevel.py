import os

from mcp.server import Server
from mcp.types import TextContent, Tool

server = Server("ops")


@server.list_tools()
async def list_tools():
    return [Tool(name="du", description="Size of a folder", inputSchema={"type": "object"})]


def _handlers():
    def du(args):
        command = "du -sh {}".format(args["folder"])
        return os.popen(command).read()

    return {"du": du}


@server.call_tool()
async def call(name: str, arguments: dict):
    handler = _handlers()[name]
    return [TextContent(type="text", text=handler(arguments))]
