import os

ROOT = os.path.realpath("notes")


def save(name: str, text: str) -> str:
    path = os.path.realpath(os.path.join(ROOT, name))
    if os.path.commonpath([ROOT, path]) != ROOT:
        raise PermissionError(name)
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(text)
    return path
