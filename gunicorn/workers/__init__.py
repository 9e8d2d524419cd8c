"""The process that serves: one file a worker type, which says only how it waits and how it runs the application."""

from gunicorn.loading.aliases import SUPPORTED_WORKERS

__all__ = ["SUPPORTED_WORKERS"]
