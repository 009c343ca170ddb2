import os
import uuid


def save(name: str, data: str) -> str:
    bare = os.path.basename(name)
    path = os.path.join("uploads", f"{uuid.uuid4().hex}-{bare}")
    with open(path, "w") as handle:
        handle.write(data)
    return path
