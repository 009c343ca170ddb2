from mcp.server.fastmcp import FastMCP

mcp = FastMCP("cards")


@mcp.tool()
def card(title: str, body: str) -> str:
    return f"<h1>{title}</h1><p>{body}</p>"
