"""`manage.py run_gunicorn [ADDRESS] [OPTIONS]`: serve this project."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from gunicorn.app.djangoapp import DjangoApplicationCommand
from gunicorn.config import make_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

# Django's own option of this name does the same.
_DJANGOS_OWN = frozenset({"pythonpath", "django_settings"})
_DJANGOS_FLAGS = frozenset({"-v", "--version", "--settings", "--pythonpath", "-h", "--help"})


class Command(BaseCommand):  # type: ignore[misc, unused-ignore]
    """Has the flags of the command `gunicorn` beside those of all commands of Django."""

    help = "Serve this project with gunicorn. The address is HOST:PORT, PORT or unix:PATH."
    # The checks run in the workers' applications; a broken database must not keep the server from starting.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags of all settings."""
        parser.add_argument("addrport", nargs="?", metavar="ADDRESS", help="where to listen")
        for setting in make_settings(ignore=_DJANGOS_OWN).values():
            if setting.cli and not _DJANGOS_FLAGS.intersection(setting.cli):
                setting.add_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        """Run the server. Ends the process when the server ends."""
        address = options.pop("addrport", None)
        if address:
            text = str(address)
            options["bind"] = [f"127.0.0.1:{text}" if text.isdigit() else text]
        DjangoApplicationCommand(options).run()
