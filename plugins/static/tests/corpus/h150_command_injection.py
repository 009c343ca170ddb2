import shlex, subprocess
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("sh")
@mcp.tool()
def run_command(command: str) -> str:
    """Run a command."""
    return subprocess.run(shlex.split(command), capture_output=True, text=True).stdout
