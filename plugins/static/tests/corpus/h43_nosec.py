import subprocess


def files() -> str:
    return subprocess.run(["ls", "-l"], capture_output=True, text=True).stdout  # nosec B603
