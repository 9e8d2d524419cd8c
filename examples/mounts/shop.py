"""The shop: ordinary Flask, which knows nothing of what stands beside it."""

from flask import Flask, redirect, render_template_string, url_for

PAGE = """<!doctype html>
<title>Shop</title>
<p>In stock: <b id="stock">?</b></p>
<form method="post" action="{{ url_for('buy') }}"><button>Buy one</button></form>
<script>
const socket = new WebSocket(location.origin.replace("http", "ws") + "/api/live");
socket.onmessage = event => { document.getElementById("stock").textContent = event.data; };
</script>
"""

app = Flask(__name__)


@app.get("/")
def page() -> str:
    return render_template_string(PAGE)


@app.post("/buy")
def buy():  # type: ignore[no-untyped-def]
    return redirect(url_for("page"))
