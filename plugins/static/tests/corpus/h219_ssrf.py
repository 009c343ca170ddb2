from urllib.request import urlopen
def head(u: str) -> str:
    if not u.startswith("http"):
        u = "https://" + u
    return urlopen(u).read(100).decode()
