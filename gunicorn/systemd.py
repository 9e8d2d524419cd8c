"""Public names: what systemd is told and gives (`unix/systemd.py`)."""

from __future__ import annotations

import sys

from gunicorn.unix.systemd import (
    SD_LISTEN_FDS_START,
    Watchdog,
    listen_fds,
    main,
    reloading_state,
    report_reload,
    sd_notify,
)

__all__ = ["SD_LISTEN_FDS_START", "Watchdog", "listen_fds", "main", "reloading_state", "report_reload", "sd_notify"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
