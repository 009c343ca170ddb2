import json
import os
import time
from pathlib import Path

CACHE = Path(__file__).parent / "cache.json"


def cached(value: str) -> str:
    if CACHE.exists() and time.time() - CACHE.stat().st_mtime > 3600:
        os.remove(CACHE)
    CACHE.write_text(json.dumps({"value": value}))
    return value
