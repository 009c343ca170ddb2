from pathlib import Path

ROOT = Path("/srv/notes").resolve()


def _safe(name: str) -> Path:
    path = (ROOT / name).resolve()
    if not path.is_relative_to(ROOT):
        raise ValueError("outside the notes folder")
    return path


def read_note(name: str) -> str:
    return _safe(name).read_text(encoding="utf-8")
