import sqlite3

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("notes")
COLUMNS = {"title": "title", "date": "created_at"}


def connect():
    return sqlite3.connect("notes.db")


@mcp.tool()
def find(word: str, sort: str = "date") -> list:
    column = COLUMNS.get(sort, "created_at")
    with connect() as db:
        return db.execute(f"SELECT title FROM notes WHERE body LIKE ? ORDER BY {column}", (f"%{word}%",)).fetchall()


@mcp.tool()
def add(title: str, body: str) -> int:
    with connect() as db:
        return db.execute("INSERT INTO notes (title, body) VALUES (?, ?)", (title, body)).lastrowid
