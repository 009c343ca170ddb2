import os

NOTES = "/srv/notes"


def read_note(name: str) -> str:
    path = os.path.join(NOTES, name)
    with open(path) as handle:
        return handle.read()
