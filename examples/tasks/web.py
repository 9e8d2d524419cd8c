"""A page of Flask that asks the model, and shows how far it has got: its workers have no model in memory.

It works with every worker type; with threads, who waits for the model keeps nobody else waiting.
"""

import json
from collections.abc import Iterator

from flask import Flask, Response, jsonify, request

from gunicorn.dirty import get_dirty_client, stash

MODEL = "model:Languages"
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Languages</title>
<form id="form"><input id="text" size="50" value="Where is the station?"> <button>Which language?</button></form>
<p id="answer"></p>
<button id="evaluate">How good is it?</button>
<p><progress id="progress" value="0" max="1"></progress> <span id="right"></span></p>
<script>
const $ = id => document.getElementById(id);
$("form").onsubmit = async event => {
  event.preventDefault();
  const answer = await (await fetch("classify?" + new URLSearchParams({text: $("text").value}))).json();
  $("answer").textContent = `${answer.language} (${Math.round(answer.certainty * 100)} %)`;
};
$("evaluate").onclick = () => {
  // Server-sent events; add "api/" in front for those of FastAPI.
  const source = new EventSource("evaluate");
  source.onmessage = event => {
    const {done, of, right} = JSON.parse(event.data);
    $("progress").value = done / of;
    $("right").textContent = `${right} of ${done} right`;
    if (done === of) source.close();
  };
  source.onerror = () => source.close();
};
</script>
"""

app = Flask(__name__)


@app.get("/")
def page() -> str:
    return PAGE


@app.get("/classify")
def classify() -> Response:
    return jsonify(get_dirty_client().execute(MODEL, "classify", request.args.get("text", "")))


@app.get("/counts")
def counts() -> Response:
    return jsonify(dict(stash.table("languages").items()))


@app.get("/evaluate")
def evaluate() -> Response:
    def events() -> Iterator[str]:
        # If the browser goes away, this generator is closed, and the one in the task process with it.
        for progress in get_dirty_client().stream(MODEL, "evaluate"):
            yield f"data: {json.dumps(progress)}\n\n"

    return Response(events(), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})
