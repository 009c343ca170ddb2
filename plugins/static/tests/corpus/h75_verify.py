import requests


def page() -> str:
    return requests.get("https://intranet.example/x", verify=False).text
