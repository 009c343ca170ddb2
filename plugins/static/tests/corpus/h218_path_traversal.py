from pathlib import Path
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
ROOT = "/srv/docs"
@mcp.resource("docs://{name}")
def doc(name: str) -> str:
    return Path(ROOT, name).read_text()
