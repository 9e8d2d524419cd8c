"""The declarations, one module a section of the reference.

The order of these imports is the order of the sections in help and reference.
"""

from . import asgi as asgi
from . import config_file as config_file
from . import control as control
from . import debugging as debugging
from . import dirty as dirty
from . import http2 as http2
from . import http_dialect as http_dialect
from . import logs as logs
from . import process_naming as process_naming
from . import proxies as proxies
from . import responses as responses
from . import security as security
from . import server_hooks as server_hooks
from . import server_mechanics as server_mechanics
from . import server_socket as server_socket
from . import time_limits as time_limits
from . import tls as tls
from . import worker_processes as worker_processes
