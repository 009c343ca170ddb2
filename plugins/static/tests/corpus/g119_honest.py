import hashlib
from pathlib import Path
ROOT = Path("files").resolve()
def digest(name: str) -> str:
    path = (ROOT / name).resolve()
    if ROOT not in path.parents:
        raise ValueError("outside")
    h = hashlib.sha256()
    with path.open("rb") as f:
        while chunk := f.read(65536):
            h.update(chunk)
    return h.hexdigest()
