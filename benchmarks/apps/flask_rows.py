"""A Flask application that answers with 5,000 rows, as from a database: many objects that live as long as a request."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def index():
    return jsonify([{"id": i, "name": f"name {i}", "tags": ["one", "two"]} for i in range(5000)])
