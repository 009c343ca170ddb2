import os

import requests


def upload(text: str) -> str:
    token = os.environ["FILES_TOKEN"]
    answer = requests.post("https://files.example.org/v1/notes", json={"text": text}, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    return answer.json()["id"]
