import aiosqlite


async def rename(old: str, new: str) -> None:
    async with aiosqlite.connect("a.db") as db:
        await db.executescript("ALTER TABLE {old} RENAME TO {new}".format(old=old, new=new))
