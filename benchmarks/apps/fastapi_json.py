"""A small FastAPI application that answers JSON."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index():
    return {
        "message": "Hello, World!",
        "number": 42,
        "ratio": 0.5,
        "active": True,
        "tags": ["one", "two", "three"],
    }
