"""Frames of HTTP/2: their types, flags, error codes and settings, and how those without content are written (RFC 9113
sections 4, 6, 7 and 11)."""

from __future__ import annotations

from gunicorn._record import Record

from ._http2 import frame_head

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_SIZE = 9

# Types of frames.
DATA = 0
HEADERS = 1
PRIORITY = 2
RST_STREAM = 3
SETTINGS = 4
PUSH_PROMISE = 5
PING = 6
GOAWAY = 7
WINDOW_UPDATE = 8
CONTINUATION = 9
PRIORITY_UPDATE = 16  # RFC 9218

# Flags.
ACK = 1
END_STREAM = 1
END_HEADERS = 4
PADDED = 8
HAS_PRIORITY = 32

# Error codes.
NO_ERROR = 0
PROTOCOL_ERROR = 1
INTERNAL_ERROR = 2
FLOW_CONTROL_ERROR = 3
SETTINGS_TIMEOUT = 4
STREAM_CLOSED = 5
FRAME_SIZE_ERROR = 6
REFUSED_STREAM = 7
CANCEL = 8
COMPRESSION_ERROR = 9
ENHANCE_YOUR_CALM = 11

# Settings.
HEADER_TABLE_SIZE = 1
ENABLE_PUSH = 2
MAX_CONCURRENT_STREAMS = 3
INITIAL_WINDOW_SIZE = 4
MAX_FRAME_SIZE = 5
MAX_HEADER_LIST_SIZE = 6
ENABLE_CONNECT_PROTOCOL = 8  # RFC 8441
NO_RFC7540_PRIORITIES = 9  # RFC 9218

LARGEST_WINDOW = 2 ** 31 - 1
#: What holds until a SETTINGS frame says otherwise (RFC 9113 section 6.5.2).
DEFAULT_WINDOW = 65535
SMALLEST_FRAME_SIZE = 16384
LARGEST_FRAME_SIZE = 2 ** 24 - 1

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    DATA=DATA, HEADERS=HEADERS, PRIORITY=PRIORITY, RST_STREAM=RST_STREAM, SETTINGS=SETTINGS, PUSH_PROMISE=PUSH_PROMISE,
    PING=PING, GOAWAY=GOAWAY, WINDOW_UPDATE=WINDOW_UPDATE, CONTINUATION=CONTINUATION, PRIORITY_UPDATE=PRIORITY_UPDATE,
    ACK=ACK, END_STREAM=END_STREAM, END_HEADERS=END_HEADERS, PADDED=PADDED, HAS_PRIORITY=HAS_PRIORITY,
    HEAD_SIZE=HEAD_SIZE, LARGEST_WINDOW=LARGEST_WINDOW, DEFAULT_WINDOW=DEFAULT_WINDOW,
)


class HTTP2Settings(Record):
    """What a server tells its clients of itself. Sizes in octets."""

    max_concurrent_streams: int = 100
    initial_window_size: int = DEFAULT_WINDOW
    max_frame_size: int = SMALLEST_FRAME_SIZE
    max_header_list_size: int = 65536
    #: Of all streams together; it is told by a WINDOW_UPDATE.
    connection_window: int = 1 << 20
    #: Whether a WebSocket may be opened on a stream (RFC 8441).
    connect_protocol: bool = False


class FatalError(Exception):
    """Something after which nothing more can be read from this connection (RFC 9113 section 5.4.1)."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(what)
        self.code = code


class FrameRule(Record):
    """Where frames of a type stand, on a stream or on none, and how many octets their payloads have; `most`: -1 for any
    number. `expected`: a client sends such frames, where they are looked at by this rule."""

    name: str
    on_stream: bool = False
    least: int = 0
    most: int = -1
    expected: bool = True

    def check(self, stream: int, size: int) -> None:
        """Raises `FatalError`."""
        if not self.expected:
            raise FatalError(PROTOCOL_ERROR, f"a {self.name}, which no client sends here")
        if bool(stream) != self.on_stream:
            raise FatalError(PROTOCOL_ERROR, f"{self.name} {'without' if self.on_stream else 'on'} a stream")
        if size < self.least or 0 <= self.most < size:
            wrong = "that is too short" if self.most < 0 else f"of another size than {self.least}"
            raise FatalError(FRAME_SIZE_ERROR, f"a {self.name} {wrong}")


#: What is asked of frames that are seldom; those of all other types are ignored (RFC 9113 section 4.1).
RULES: dict[int, FrameRule] = {
    PRIORITY: FrameRule("PRIORITY", on_stream=True, least=5, most=5),
    SETTINGS: FrameRule("SETTINGS"),
    PING: FrameRule("PING", least=8, most=8),
    GOAWAY: FrameRule("GOAWAY", least=8),
    PRIORITY_UPDATE: FrameRule("PRIORITY_UPDATE", least=4),
    PUSH_PROMISE: FrameRule("PUSH_PROMISE", expected=False),
    CONTINUATION: FrameRule("CONTINUATION", expected=False),
}


def settings_frame(values: dict[int, int]) -> bytes:
    payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in values.items())
    return frame_head(len(payload), SETTINGS, 0, 0) + payload


def settings_of(settings: HTTP2Settings) -> dict[int, int]:
    """The values of the first SETTINGS frame; what is as everybody takes it to be is left out."""
    values = {
        MAX_CONCURRENT_STREAMS: settings.max_concurrent_streams,
        INITIAL_WINDOW_SIZE: settings.initial_window_size,
        MAX_FRAME_SIZE: settings.max_frame_size,
        MAX_HEADER_LIST_SIZE: settings.max_header_list_size,
        ENABLE_CONNECT_PROTOCOL: int(settings.connect_protocol),
        NO_RFC7540_PRIORITIES: 1,
    }
    usual = {
        INITIAL_WINDOW_SIZE: DEFAULT_WINDOW, MAX_FRAME_SIZE: SMALLEST_FRAME_SIZE, MAX_HEADER_LIST_SIZE: 0,
        ENABLE_CONNECT_PROTOCOL: 0,
    }
    return {key: value for key, value in values.items() if value != usual.get(key)}


SETTINGS_ACK = frame_head(0, SETTINGS, ACK, 0)


def ping_frame(octets: bytes, flags: int) -> bytes:
    return frame_head(8, PING, flags, 0) + octets


def reset_frame(stream: int, code: int) -> bytes:
    return frame_head(4, RST_STREAM, 0, stream) + code.to_bytes(4, "big")


def window_frame(stream: int, increment: int) -> bytes:
    return frame_head(4, WINDOW_UPDATE, 0, stream) + increment.to_bytes(4, "big")


def goaway_frame(last: int, code: int, what: bytes = b"") -> bytes:
    """`last`: the highest stream that is or will be served."""
    return frame_head(8 + len(what), GOAWAY, 0, 0) + last.to_bytes(4, "big") + code.to_bytes(4, "big") + what
