import zipfile
from pathlib import Path
DEST = Path("out").resolve()
def unzip(path_id: int) -> int:
    n = 0
    with zipfile.ZipFile(f"in/{int(path_id)}.zip") as z:
        for m in z.infolist():
            target = (DEST / m.filename).resolve()
            if not target.is_relative_to(DEST):
                raise ValueError("bad member")
            target.write_bytes(z.read(m))
            n += 1
    return n
