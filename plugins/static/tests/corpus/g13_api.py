import os

import httpx
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("weather")
BASE = "https://api.weather.example/v1"


@mcp.tool()
async def weather(city: str) -> dict:
    """Weather of a city. Use forecast for the next days."""
    async with httpx.AsyncClient(base_url=BASE, timeout=10) as client:
        answer = await client.get("/current", params={"q": city}, headers={"Authorization": f"Bearer {os.environ['WEATHER_TOKEN']}"})
        answer.raise_for_status()
        return answer.json()
