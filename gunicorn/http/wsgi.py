"""Names that workers of third parties import: environ and response of a request that was read off a socket."""

from __future__ import annotations

import logging
import re

from gunicorn import SERVER, SERVER_SOFTWARE
from gunicorn.blocking.environ import WSGIErrorsWrapper, base_environ, create, default_environ, proxy_environ
from gunicorn.blocking.request import TOKEN_RE
from gunicorn.blocking.response import Response
from gunicorn.wsgi.filewrapper import FileWrapper

from .errors import ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName

__all__ = [
    "BLKSIZE", "ConfigurationProblem", "FileWrapper", "HEADER_VALUE_RE", "InvalidResponseHeader",
    "InvalidResponseHeaderName", "Response", "SERVER", "SERVER_SOFTWARE", "STATUS_RE", "TOKEN_RE", "WSGIErrorsWrapper",
    "base_environ", "create", "default_environ", "log", "proxy_environ",
]

# How much is sent of a file at once.
BLKSIZE = 0x3FFFFFFF

# What these say decides nothing here; workers check values of their own with them.
HEADER_VALUE_RE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
STATUS_RE = re.compile(r"[0-9]{3}(?: [\t\x20-\x7e\x80-\xff]*)?")

log = logging.getLogger(__name__)
