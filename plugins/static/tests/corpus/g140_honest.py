from pathlib import Path
NOTES = Path("notes")
def search(word: str) -> list:
    hits = []
    for p in sorted(NOTES.rglob("*.md")):
        if word.lower() in p.read_text().lower():
            hits.append(p.name)
    return hits
