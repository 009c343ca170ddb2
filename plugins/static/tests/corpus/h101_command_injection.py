from fastmcp import FastMCP
import subprocess
mcp = FastMCP(name="x")
class Runner:
    def __init__(self):
        self.history = []
    def _build(self, tool, *args):
        return f"{tool} {' '.join(args)}"
    def run(self, tool, *args):
        cmd = self._build(tool, *args)
        self.history.append(cmd)
        p = subprocess.Popen(cmd, shell=True, stdout=subprocess.PIPE)
        return p.communicate()[0]
r = Runner()
@mcp.tool()
def traceroute(target: str) -> str:
    return r.run("traceroute", "-m", "10", target).decode()
