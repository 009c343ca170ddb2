import sqlite3

from fastmcp import FastMCP

mcp = FastMCP("orders")


@mcp.tool
def orders_of(customer: str, sort: str = "date") -> list:
    """Orders of a customer."""
    connection = sqlite3.connect("orders.db")
    cursor = connection.cursor()
    query = f"SELECT id, total FROM orders WHERE customer = '{customer}'"
    query += " ORDER BY " + sort
    cursor.execute(query)
    return cursor.fetchall()
