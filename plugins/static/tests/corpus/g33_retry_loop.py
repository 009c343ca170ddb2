import time

import requests


def wait(seconds: int) -> bool:
    end = time.monotonic() + min(int(seconds), 60)
    while time.monotonic() < end:
        if requests.get("https://status.service.example/health", timeout=5).ok:
            return True
        time.sleep(1)
    return False
