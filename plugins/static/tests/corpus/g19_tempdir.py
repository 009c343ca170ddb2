import shutil
import tempfile
from pathlib import Path


def sort_lines(text: str) -> str:
    folder = tempfile.mkdtemp()
    try:
        file = Path(folder) / "lines.txt"
        file.write_text(text)
        return "\n".join(sorted(file.read_text().splitlines()))
    finally:
        shutil.rmtree(folder)
