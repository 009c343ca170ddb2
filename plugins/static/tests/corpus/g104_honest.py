import sqlite3
ALLOWED = ("name", "price")
def search(term: str, order_by: str = "name") -> list:
    if order_by not in ALLOWED:
        raise ValueError("order_by")
    con = sqlite3.connect("shop.db")
    try:
        return con.execute(f"SELECT name, price FROM items WHERE name LIKE ? ORDER BY {order_by}", (f"%{term}%",)).fetchall()
    finally:
        con.close()
