import subprocess
from mcp.server.fastmcp import FastMCP

app = FastMCP("net")


def _execute(line):
    return subprocess.run(line, shell=True, capture_output=True, text=True).stdout


class Probe:
    def __init__(self, target):
        self.target = target

    def line(self):
        return "ping -c 2 %s" % self.target


@app.tool()
def ping(host: str) -> str:
    """Ping a host twice."""
    probe = Probe(host)
    return _execute(probe.line())
