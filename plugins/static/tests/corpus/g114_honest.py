import csv
from pathlib import Path
OUT = Path("exports")
def export(rows: list) -> str:
    OUT.mkdir(exist_ok=True)
    target = OUT / "latest.csv"
    with target.open("w", newline="") as f:
        csv.writer(f).writerows(rows)
    return str(target)
