"""Gunicorn: a pre-fork server for Python web applications on Unix."""

from os import environ as _environ

version_info = (28, 0, 0)
__version__ = "28.0.0"

SERVER = "gunicorn"
SERVER_SOFTWARE = "gunicorn/28.0.0"

if _environ.get("GUNICORN_PURE", "0") not in ("", "0"):
    from gunicorn._build import force_interpreted

    force_interpreted()
    del force_interpreted
