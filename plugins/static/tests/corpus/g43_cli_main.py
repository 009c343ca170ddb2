import sys
from pathlib import Path

DATA = Path(__file__).parent / "data"


def count(name: str) -> int:
    choices = {path.name: path for path in DATA.glob("*.txt")}
    if name not in choices:
        raise KeyError(name)
    return len(choices[name].read_text().split())


if __name__ == "__main__":
    print(count(sys.argv[1]))
