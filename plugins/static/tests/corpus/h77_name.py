import subprocess


def who() -> str:
    return subprocess.run(["who"], capture_output=True, text=True).stdout
