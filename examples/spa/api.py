"""The interface of a single-page application; its pages are files, which the server answers with itself.

gunicorn api:app --static /=dist --static /api= --static-fallback index.html
"""

import json


def app(environ, start_response):
    body = json.dumps({"path": environ["PATH_INFO"]}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
