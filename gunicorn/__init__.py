"""Gunicorn: a pre-fork server for Python web applications on Unix."""

from os import environ as _environ

#: The one place that says the version; the build reads it here, without running this file.
__version__ = "28.0.0"
version_info = tuple(int(part) for part in __version__.split("."))

SERVER = "gunicorn"
SERVER_SOFTWARE = f"{SERVER}/{__version__}"

if _environ.get("GUNICORN_PURE", "0") not in ("", "0"):
    from gunicorn._build import force_interpreted

    force_interpreted()
    del force_interpreted
