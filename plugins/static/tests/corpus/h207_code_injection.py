from mcp.server.fastmcp import FastMCP
import math
mcp = FastMCP("calc")
SAFE = {k: v for k, v in vars(math).items() if not k.startswith("_")}
@mcp.tool()
def evaluate(expr: str) -> str:
    """Evaluate math."""
    expr = expr.replace("^", "**")
    return str(eval(expr, {"__builtins__": None}, SAFE))
