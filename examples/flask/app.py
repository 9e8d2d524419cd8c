"""The smallest application with a session: what one request stores, the next one reads."""

from flask import Flask, jsonify, session

app = Flask(__name__)
app.secret_key = "only for this example"


@app.route("/")
def index():
    return jsonify({"k": "v"})


@app.route("/test")
def test():
    old = session.get("num", 0)
    session["num"] = old + 1
    return jsonify({"ret": old})
