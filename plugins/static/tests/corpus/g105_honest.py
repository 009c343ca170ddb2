import os
DOCS = os.path.abspath("docs")
def read_doc(name: str) -> str:
    full = os.path.abspath(os.path.join(DOCS, name))
    if not full.startswith(DOCS + os.sep):
        return "not allowed"
    with open(full) as f:
        return f.read()
