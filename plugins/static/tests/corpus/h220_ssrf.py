import httpx
async def call(method: str, url: str, body: dict | None = None):
    async with httpx.AsyncClient() as client:
        r = await client.request(method, url, json=body)
        return r.text
