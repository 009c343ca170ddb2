import sqlite3
class Store:
    def __init__(self):
        self.db = sqlite3.connect("x.db")
    def _where(self, filters):
        return " AND ".join(f"{k} = '{v}'" for k, v in filters.items())
    def query(self, filters: dict):
        sql = "SELECT * FROM items WHERE " + self._where(filters)
        return self.db.execute(sql).fetchall()
