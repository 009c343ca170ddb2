import zipfile
from pathlib import Path
def extract(zip_path: str, out: str = "out"):
    dest = Path(out)
    with zipfile.ZipFile("in.zip") as zf:
        for member in zf.infolist():
            (dest / member.filename).write_bytes(zf.read(member))
