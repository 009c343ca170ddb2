import os
import subprocess


def build(target: str) -> str:
    if target not in ("all", "docs", "test"):
        raise ValueError(target)
    environment = os.environ.copy()
    environment["NO_COLOR"] = "1"
    return subprocess.run(["make", target], env=environment, capture_output=True, text=True).stdout
