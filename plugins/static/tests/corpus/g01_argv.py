import subprocess


def log(count: int, path: str) -> str:
    """The last commits that touched a path."""
    result = subprocess.run(["git", "log", f"-{int(count)}", "--oneline", "--", path], capture_output=True, text=True, check=True)
    return result.stdout
