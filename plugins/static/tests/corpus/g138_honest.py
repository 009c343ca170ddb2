import os, requests
BASE = "http://homeassistant.local:8123/api"
def state(entity: str) -> dict:
    h = {"Authorization": "Bearer " + os.environ["HOME_ASSISTANT_TOKEN"]}
    return requests.get(f"{BASE}/states/{entity}", headers=h).json()
