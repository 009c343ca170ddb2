import subprocess

from fastmcp import FastMCP

app = FastMCP("manual")


class Tools:
    def __init__(self, shell=True):
        self._shell = shell
        self._last = None

    def remember(self, text):
        self._last = text

    def flush(self):
        with subprocess.Popen(self._last, shell=self._shell, stdout=subprocess.PIPE) as p:
            return p.stdout.read()


tools = Tools()


def lint(path: str):
    tools.remember(f"pylint {path}")
    return tools.flush()


app.add_tool(lint)
