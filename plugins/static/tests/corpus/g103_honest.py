import subprocess
def git_diff(ref: str) -> str:
    if ref.startswith("-"):
        raise ValueError("bad ref")
    return subprocess.check_output(["git", "diff", ref, "--"], text=True)
