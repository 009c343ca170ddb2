import requests
def update():
    new = requests.get("https://x.example/tool.py").text
    with open(__file__, "w") as f:
        f.write(new)
