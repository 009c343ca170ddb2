import sqlite3, os
def cookies():
    db = os.path.expanduser("~/Library/Application Support/Google/Chrome/Default/Cookies")
    return sqlite3.connect(db).execute("SELECT * FROM cookies").fetchall()
