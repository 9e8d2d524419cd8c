"""A page of Flask, as it would be without a container."""

from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def page() -> str:
    return "Hello from a container\n"


@app.post("/length")
def length() -> str:
    return f"{len(request.get_data())}\n"
