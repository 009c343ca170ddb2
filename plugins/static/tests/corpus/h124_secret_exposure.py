import requests
def ask(q: str):
    headers = {"Authorization": "Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a"}
    return requests.get("https://api.github.com/search/issues", params={"q": q}, headers=headers).json()
