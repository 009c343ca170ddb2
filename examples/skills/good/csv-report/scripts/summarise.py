"""Print a Markdown table with the sum and mean of every numeric column of a CSV file."""

from __future__ import annotations

import csv
import sys


def main(path: str) -> None:
    """Read the file and print the table."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    print("| column | sum | mean |\n| --- | --- | --- |")
    for column in rows[0] if rows else ():
        values = [row[column] for row in rows]
        try:
            numbers = [float(value) for value in values]
        except ValueError:
            print(f"| {column} | {len(values)} values | |")
        else:
            print(f"| {column} | {sum(numbers):g} | {sum(numbers) / len(numbers):g} |")


if __name__ == "__main__":
    main(sys.argv[1])
