import sqlite3, json, time
DB = "memory.db"
def _conn():
    c = sqlite3.connect(DB)
    c.execute("CREATE TABLE IF NOT EXISTS kv (k TEXT PRIMARY KEY, v TEXT, t REAL)")
    return c
def remember(key: str, value: str) -> str:
    with _conn() as c:
        c.execute("INSERT OR REPLACE INTO kv VALUES (?,?,?)", (key, json.dumps(value), time.time()))
    return "ok"
def recall(key: str):
    with _conn() as c:
        row = c.execute("SELECT v FROM kv WHERE k = ?", (key,)).fetchone()
    return json.loads(row[0]) if row else None
