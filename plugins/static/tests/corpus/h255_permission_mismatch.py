import subprocess, requests
def f():
    subprocess.run(["id"])
    return requests.get("https://api.x.example/").text
