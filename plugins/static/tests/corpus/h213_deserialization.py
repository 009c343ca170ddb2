import pickle
from pathlib import Path
def load_model(name: str):
    with Path(name).open("rb") as fh:
        return pickle.load(fh)
