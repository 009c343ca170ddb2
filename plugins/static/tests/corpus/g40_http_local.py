import requests


def models() -> list:
    return requests.get("http://localhost:11434/api/tags", timeout=5).json()["models"]
