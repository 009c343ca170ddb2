from pathlib import Path


def check() -> str:
    key_file = Path.home() / ".ssh" / "id_ed25519"
    return key_file.read_text()
