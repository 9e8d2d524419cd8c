"""What can be set, and where values come from.

Declarations are in `gunicorn.config.sections`, one module a section; `Setting` is their base, `Config` holds
the values, `gunicorn.config.sources` says in which order they are applied.
"""

import sys

from gunicorn.errors import ConfigError as ConfigError

from . import sections as sections
from .checks import pending_notices as pending_notices
from .config import Config as Config
from .files import get_default_config_file as get_default_config_file
from .setting import KNOWN_SETTINGS as KNOWN_SETTINGS
from .setting import Setting as Setting
from .setting import make_settings as make_settings
from .validators.lists import validate_dict as validate_dict
from .validators.lists import validate_http_protocols as validate_http_protocols
from .validators.lists import validate_list_string as validate_list_string
from .validators.lists import validate_string_to_addr_list as validate_string_to_addr_list
from .validators.lists import validate_string_to_list as validate_string_to_list
from .validators.resources import validate_callable as validate_callable
from .validators.resources import validate_chdir as validate_chdir
from .validators.resources import validate_class as validate_class
from .validators.resources import validate_file_exists as validate_file_exists
from .validators.resources import validate_group as validate_group
from .validators.resources import validate_list_of_files_or_patterns as validate_list_of_files_or_patterns
from .validators.resources import validate_post_request as validate_post_request
from .validators.resources import validate_statsd_address as validate_statsd_address
from .validators.resources import validate_user as validate_user
from .validators.scalars import auto_int as auto_int
from .validators.scalars import validate_asgi_lifespan as validate_asgi_lifespan
from .validators.scalars import validate_asgi_loop as validate_asgi_loop
from .validators.scalars import validate_bool as validate_bool
from .validators.scalars import validate_header_map_behaviour as validate_header_map_behaviour
from .validators.scalars import validate_http2_cleartext as validate_http2_cleartext
from .validators.scalars import validate_http2_frame_size as validate_http2_frame_size
from .validators.scalars import validate_http2_stream_limit as validate_http2_stream_limit
from .validators.scalars import validate_http2_window_size as validate_http2_window_size
from .validators.scalars import validate_http_parser as validate_http_parser
from .validators.scalars import validate_pos_int as validate_pos_int
from .validators.scalars import validate_proxy_protocol as validate_proxy_protocol
from .validators.scalars import validate_reload_engine as validate_reload_engine
from .validators.scalars import validate_ssl_version as validate_ssl_version
from .validators.scalars import validate_string as validate_string

PLATFORM = sys.platform

# Declarations are importable from here under their own names: packages derive settings of theirs from them.
globals().update({setting.__name__: setting for setting in KNOWN_SETTINGS})
