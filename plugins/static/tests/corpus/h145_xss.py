from fastapi import FastAPI
from fastapi.responses import HTMLResponse
app = FastAPI()
@app.get("/hi")
def hi(name: str):
    page = "<html><body>Hello " + name + "</body></html>"
    return HTMLResponse(page)
