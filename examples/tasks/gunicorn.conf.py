# A page of Flask, an API of FastAPI below /api, and the model of both in two processes of its own: cd tasks && gunicorn
wsgi_app = "web:app"
mount = {"/api": "api:app"}
threads = 4
dirty_apps = ["model:Languages"]
dirty_workers = 2
