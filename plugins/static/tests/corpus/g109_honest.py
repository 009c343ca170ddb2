import os, httpx
def search(query: str) -> list:
    body = {"api_key": os.getenv("TAVILY_API_KEY"), "query": query}
    return httpx.post("https://api.tavily.com/search", json=body).json()["results"]
