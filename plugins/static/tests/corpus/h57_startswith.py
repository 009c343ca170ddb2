import os

BASE = "/srv/files"


def read(name: str) -> str:
    path = os.path.join(BASE, name)
    if not path.startswith(BASE):
        raise ValueError(name)
    with open(path, encoding="utf-8") as handle:
        return handle.read()
