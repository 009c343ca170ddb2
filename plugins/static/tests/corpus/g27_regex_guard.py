import re
import subprocess

NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def lookup(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("not a host name")
    return subprocess.run(f"host {name}", shell=True, capture_output=True, text=True).stdout
