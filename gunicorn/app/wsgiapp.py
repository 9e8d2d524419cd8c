"""The command `gunicorn`.

It runs from a plain checkout as well, as a script and under a debugger::

    cd gunicorn/app
    python wsgiapp.py app:app
    python -m pdb wsgiapp.py app:app
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Run as a script, Python looks first in this folder and knows nothing of the checkout. The folder stays
    # first, so that an application beside this file is found; the checkout comes before an installed
    # gunicorn.
    _CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if _CHECKOUT not in sys.path:
        sys.path.insert(1, _CHECKOUT)


from gunicorn.app.base import Application
from gunicorn.config import arguments
from gunicorn.config.checks import refuse_second_root
from gunicorn.errors import ConfigError
from gunicorn.loading.names import import_app
from gunicorn.unix.process import ignore_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from gunicorn._types import App, WSGIApp


class WSGIApplication(Application):
    """The application that the command line or the configuration names."""

    app_uri: str | None

    def init(self, parser: ArgumentParser, opts: Namespace, args: list[str]) -> Mapping[str, object] | None:
        """Take the name of the application, or that of a PasteDeploy file."""
        self.app_uri = None
        if opts.paste:
            if args:
                parser.error(f"--paste names the application, and so does {args[0]}")
            from gunicorn.app.paste import logging_settings

            file = os.path.abspath(opts.paste.partition("#")[0])
            self.cfg.set("default_proc_name", file, source="command line")
            return logging_settings(opts.paste)
        if args:
            self.app_uri = arguments.single(parser, args)
            self.cfg.set("default_proc_name", self.app_uri, source="command line")
        return None

    def load_config(self) -> None:
        """Apply all sources, and make sure that there is something to serve."""
        super().load_config()
        if self.app_uri is None and self.cfg.wsgi_app is not None:
            self.app_uri = self.cfg.wsgi_app
            self.cfg.set("default_proc_name", self.app_uri, source=self.cfg.sources["wsgi_app"])
        if self.cfg.mount:
            self._look_at_mounts()
        elif self.app_uri is None and self.cfg.paste is None:
            raise ConfigError(
                "No application module specified: name one as MODULE:VARIABLE, or set wsgi_app."
            )

    def _look_at_mounts(self) -> None:
        if self.has_application():
            refuse_second_root(self.cfg)
        else:
            self.cfg.set("default_proc_name", ", ".join(self.cfg.mount.values()), source=self.cfg.sources["mount"])

    def has_application(self) -> bool:
        """Whether one is named, or is what a subclass loads."""
        is_named = self.app_uri is not None or self.cfg.paste is not None
        return is_named or type(self).load is not WSGIApplication.load

    def load_wsgiapp(self) -> App:
        """Import the application."""
        if self.app_uri is None:
            raise ConfigError("No application module specified.")
        return import_app(self.app_uri)

    def load_pasteapp(self) -> WSGIApp:
        """Make the application that the PasteDeploy file describes."""
        from gunicorn.app.paste import get_wsgi_app

        return get_wsgi_app(str(self.cfg.paste), defaults=self.cfg.paste_global_conf)

    def load(self) -> App:
        """Return the application."""
        return self.load_wsgiapp() if self.app_uri is not None else self.load_pasteapp()


def run(prog: str | None = None) -> None:
    """Run the command with the arguments of this process. `prog` is its name in messages."""
    try:
        WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog=prog).run()
    except SystemExit:
        ignore_signals()
        raise


if __name__ == "__main__":
    # The module under its own name, not this copy called __main__, so that there is one class of each kind.
    from gunicorn.app.wsgiapp import run as run_command

    run_command()
