# A shop of Flask and its API of FastAPI in one server, with a WebSocket: cd mounts && gunicorn
wsgi_app = "shop:app"
mount = {
    "/api": "api:app",
    # By another name everything is the API's: curl -H 'Host: api.localhost' http://127.0.0.1:8000/stock
    "api.localhost/": "api:app",
}
# For the shop; the API is served by the event loop.
threads = 4
