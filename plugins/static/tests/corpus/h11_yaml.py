import yaml
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("settings")


@mcp.tool()
def parse(document: str) -> dict:
    return yaml.load(document, Loader=yaml.Loader)
