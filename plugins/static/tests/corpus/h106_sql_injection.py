import mysql.connector
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("db")
@mcp.tool()
def count_rows(table: str, where: str) -> int:
    conn = mysql.connector.connect(host="localhost")
    cur = conn.cursor()
    cur.execute("SELECT COUNT(*) FROM {} WHERE {}".format(table, where))
    return cur.fetchone()[0]
