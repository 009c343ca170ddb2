import requests
class Fetcher:
    def __init__(self, base): self.base = base
    def get(self, path):
        return requests.get(self.base + path).text
def fetch(server: str, path: str) -> str:
    return Fetcher(f"https://{server}").get(path)
