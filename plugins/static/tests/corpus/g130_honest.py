import time, requests
S = requests.Session()
S.headers["User-Agent"] = "x"
def items(category: str) -> list:
    out, page = [], 1
    while True:
        r = S.get("https://api.example.com/items", params={"category": category, "page": page}, timeout=10)
        if r.status_code == 429:
            time.sleep(int(r.headers.get("Retry-After", "1")))
            continue
        data = r.json()
        out += data["items"]
        if not data["next"]:
            return out
        page += 1
