from pathlib import Path

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("reports")
BASE = Path("reports")


@mcp.tool()
def save_report(title: str, body: str) -> str:
    target = BASE / f"{title}.md"
    target.write_text(body)
    return str(target)
