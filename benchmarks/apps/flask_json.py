"""A small Flask application that answers JSON."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def index():
    return jsonify({"message": "Hello, World!"})
