import psycopg2


def delete(row: str) -> None:
    conn = psycopg2.connect("dbname=a")
    sql = "DELETE FROM items WHERE id = %s" % row
    conn.cursor().execute(sql)
