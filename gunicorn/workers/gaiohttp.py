"""The gaiohttp worker: aiohttp's own worker for Gunicorn, under the name it once had here."""

from __future__ import annotations

import asyncio
import inspect
import signal

try:
    from aiohttp import web
    from aiohttp.worker import GunicornWebWorker
except ImportError:
    raise RuntimeError("the gaiohttp worker needs aiohttp: pip install gunicorn[gaiohttp]") from None

from gunicorn.errors import AnotherWorkerType, AppImportError, ConfigError
from gunicorn.tls import entrance

from .gasgi import ASGIWorker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config import Config

__all__ = ["AiohttpWorker"]


def _is_of_aiohttp(app: object) -> bool:
    return isinstance(app, web.Application) or inspect.iscoroutinefunction(app)


class AiohttpWorker(GunicornWebWorker):
    """Serves aiohttp applications, or coroutine functions that make one, by aiohttp; WSGI applications as the asgi
    worker does, in a pool of threads."""

    # Those of WSGI are served as each bind says.
    honours_bind_options = True

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.check_application(self.cfg, self.wsgi)

    @classmethod
    def check_application(cls, cfg: Config, app: object) -> None:
        """Raise AppImportError when `app` is nothing of aiohttp's and certainly cannot be served either, or when it is
        and aiohttp cannot serve what the binds ask for."""
        if not _is_of_aiohttp(app):
            ASGIWorker.check_application(cfg, app)
            return
        try:
            entrance.check_guest(cfg)
            entrance.check_served(cfg, "static", "allowed_hosts")
        except ConfigError as error:
            raise AppImportError(str(error)) from None

    def run(self) -> None:
        if _is_of_aiohttp(self.wsgi):
            self.tell_untraced("aiohttp")
            super().run()
        else:
            # The loop has the signals; closing it gives them back, and none may be lost until another worker has them.
            signal.pthread_sigmask(signal.SIG_BLOCK, self.SIGNALS)
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()
            raise AnotherWorkerType("asgi")
