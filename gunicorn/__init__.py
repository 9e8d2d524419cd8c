"""Gunicorn: a pre-fork server for Python web applications on Unix."""

from gunicorn import _build

#: The one place that says the version; the build reads it here, without running this file.
__version__ = "28.0.0"
version_info = tuple(int(part) for part in __version__.split("."))

SERVER = "gunicorn"
SERVER_SOFTWARE = f"{SERVER}/{__version__}"

_build.find_modules(__path__[0], interpreted=_build.is_forced())
