"""PasteDeploy: applications, and servers, that an ini file describes.

Three ways lead here: `gunicorn --paste FILE`, the command `gunicorn_paster FILE`, and a file whose
`[server:main]` says `use = egg:gunicorn#main` when a program such as `pserve` runs it.
"""

from __future__ import annotations

from gunicorn.config import arguments, sources
from gunicorn.errors import ConfigError

from .paste import (
    file_and_section,
    get_wsgi_app,
    has_logging_config,
    logging_settings,
    server_settings,
    settings_from,
)
from .wsgiapp import WSGIApplication

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from gunicorn._types import App, WSGIApp

__all__ = [
    "PasterApplication", "PasterServerApplication", "get_wsgi_app", "has_logging_config", "logging_settings", "run",
    "serve", "server_settings", "settings_from",
]

class PasterApplication(WSGIApplication):
    """The application of the PasteDeploy file that is the argument, with the file's server settings."""

    def init(self, parser: ArgumentParser, opts: Namespace, args: list[str]) -> Mapping[str, object] | None:
        """Take the name of the file."""
        self.app_uri = None
        uri = arguments.single(parser, args) or opts.paste
        if not uri:
            raise ConfigError("No PasteDeploy file specified: name one as FILE or FILE#SECTION.")
        path, _ = file_and_section(uri)
        self.cfg.set("default_proc_name", path, source="command line")
        self.cfg.set("paste", uri, source="command line")
        sources.apply_texts(self.cfg, server_settings(uri), f"{path} [server:main]")
        return logging_settings(uri)


def run() -> None:
    """Run the command `gunicorn_paster`."""
    PasterApplication("%(prog)s [OPTIONS] FILE.ini[#SECTION]", prog="gunicorn_paster").run()


class PasterServerApplication(WSGIApplication):
    """An application that PasteDeploy has made already, served with the items of its server section."""

    def __init__(self, app: WSGIApp, global_conf: Mapping[str, str], local_conf: Mapping[str, str]) -> None:
        self._app = app
        self._file = global_conf.get("__file__")
        self._settings = settings_from(local_conf)
        super().__init__(prog="gunicorn_paster")

    def load_config(self) -> None:
        """Apply the server section, and the configuration file it names; no command line is ours here."""
        self.app_uri = None
        settings = dict(self._settings)
        config = settings.pop("config", "")
        where = self._file or "server section"
        if self._file:
            settings = {**logging_settings(self._file), "default_proc_name": self._file, **settings}
        sources.apply_texts(self.cfg, settings, f"{where} [server]")
        self._load_named_or_default_file(str(config))
        sources.apply_variables(self.cfg, self.cfg.env_orig)
        self.chdir()

    def load(self) -> App:
        """Return the application."""
        return self._app


def serve(app: WSGIApp, global_conf: Mapping[str, str], **local_conf: str) -> None:
    """Serve `app`: the entry point `main` of the group `paste.server_runner`."""
    PasterServerApplication(app, global_conf, local_conf).run()
