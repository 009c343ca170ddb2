import asyncpg
async def find(name: str):
    conn = await asyncpg.connect("postgresql://localhost/x")
    return await conn.fetch(f"SELECT * FROM users WHERE name = '{name}'")
