import subprocess
import tempfile


def diff(left: str, right: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("a", left), ("b", right)):
            with open(f"{folder}/{name}", "w") as handle:
                handle.write(text)
        return subprocess.run(["git", "diff", "--no-index", f"{folder}/a", f"{folder}/b"], capture_output=True, text=True).stdout
