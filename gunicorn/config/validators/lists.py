"""Several values: lists, header lines, networks, dicts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gunicorn.config.address import parse_address, parse_bind
from gunicorn.config.hosts import host_pattern
from gunicorn.config.skip_rules import compile_rule

from .scalars import validate_string, validate_text

# The name and the value of a field (RFC 9110 sections 5.6.2 and 5.5). Not compiled at each start: few have such lines.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = r"[\t -~\x80-\xff]*"


def validate_list_string(val: object) -> list[str]:
    """A list of texts; a single text is a list of one."""
    if not val:
        return []
    if isinstance(val, str):
        val = [val]
    if not isinstance(val, Iterable):
        raise TypeError(f"expected a list of texts, not {type(val).__name__}")
    return [_text(item) for item in val]


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise TypeError(f"expected a list of texts, but {item!r} is {type(item).__name__}")
    return item.strip()


def validate_bind(val: object) -> list[str]:
    """A list of addresses, each one that a socket can be made for."""
    binds = validate_list_string(val)
    for bind in binds:
        if not bind:
            raise ValueError("one address is empty: expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N")
        try:
            parse_bind(bind)
        except RuntimeError as error:
            raise ValueError(f"{error} Expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N") from None
    return binds


def validate_face(val: object) -> str:
    """One address at which the master itself answers, without TLS."""
    expected = "Expected HOST:PORT, [IPV6]:PORT or unix:PATH"
    text = validate_text(val)
    try:
        address = parse_address(text) if text else 0
    except RuntimeError as error:
        raise ValueError(f"{error} {expected}") from None
    if isinstance(address, int):
        raise ValueError(expected[0].lower() + expected[1:])
    return text


def validate_pairs(val: object) -> list[str]:
    """A list of texts of the form NAME=VALUE."""
    pairs = validate_list_string(val)
    for pair in pairs:
        name, equals, _ = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"{pair!r} is not of the form NAME=VALUE")
    return pairs


def validate_hosts(val: object) -> list[str]:
    """Comma-separated hosts, in the form in which they are compared."""
    return [host_pattern(host) for host in validate_string_to_list(val)]


def validate_header_lines(val: object) -> list[str]:
    """A list of texts of the form NAME:VALUE, each fit to be a header field of a response."""
    lines = validate_list_string(val)
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or re.fullmatch(_TOKEN, name) is None:
            raise ValueError(f"{line!r} is not of the form NAME:VALUE")
        if re.fullmatch(_VALUE, value) is None:
            raise ValueError(f"{line!r} has characters that no header field may have")
        if name.lower() in ("connection", "content-length", "date", "transfer-encoding"):
            raise ValueError(f"{line!r}: the server sets {name} itself")
    return lines


def validate_skip_rules(val: object) -> list[str]:
    """A list of rules for the access log, such as `path=/healthz`."""
    rules = validate_list_string(val)
    for rule in rules:
        compile_rule(rule)
    return rules


def validate_field_name(val: object) -> str | None:
    """The name of a header field, without what other names could be mistaken for; nothing or None for none."""
    name = validate_string(val)
    if not name:
        return None
    if not (name.isascii() and name.replace("-", "").isalnum()):
        raise ValueError("expected the name of a header field, of letters, digits and dashes")
    if name.lower() in _FIELDS_OF_THE_SERVER:
        raise ValueError(f"{name} means something else")
    return name


_FIELDS_OF_THE_SERVER = frozenset([
    "authorization", "connection", "content-length", "content-type", "cookie", "date", "expect", "host", "keep-alive",
    "server", "te", "trailer", "transfer-encoding", "upgrade",
])


def validate_server_header(val: object) -> str:
    """The value of the Server field; `off` or nothing for none."""
    text = validate_string(val) or ""
    if not all(" " <= c <= "~" for c in text):
        raise ValueError("expected plain text, or off")
    return "" if text.lower() == "off" else text


def validate_string_to_list(val: object) -> list[str]:
    """Comma-separated text, as the list of what is between the commas."""
    text = validate_string(_joined(val))
    return [item for item in map(str.strip, (text or "").split(",")) if item]


def _joined(val: object) -> object:
    return (
        ",".join(val) if isinstance(val, list | tuple) and all(isinstance(item, str) for item in val) else val
    )


def validate_string_to_addr_list(val: object) -> list[str]:
    """Comma-separated IP addresses and networks in CIDR notation, or `*` for everyone."""
    addresses = validate_string_to_list(val)
    for address in addresses:
        # The defaults need no proof; importing ipaddress for them would cost every start some milliseconds.
        if address not in ("*", "127.0.0.1", "::1"):
            _check_network(address)
    return addresses


def _check_network(address: str) -> None:
    from ipaddress import ip_network

    try:
        ip_network(address)
    except ValueError as error:
        raise ValueError(f"{error}: expected addresses or networks such as 10.0.0.0/8, or *") from None


def validate_dict(val: object) -> dict[object, object]:
    """A dict."""
    if not isinstance(val, dict):
        raise TypeError(f"expected a dict, not {type(val).__name__}")
    return val


def validate_http_protocols(val: object) -> list[str]:
    """Comma-separated `h1` and `h2`, in the order of preference; or a list of them."""
    if isinstance(val, list | tuple) and all(isinstance(name, str) for name in val):
        val = ",".join(val)
    if val is not None and not isinstance(val, str):
        raise TypeError(f"expected comma-separated protocols of h1, h2, not {type(val).__name__}")
    names = [name.strip().lower() for name in (val or "h1").split(",") if name.strip()]
    if unknown := [name for name in names if name not in ("h1", "h2")]:
        raise ValueError(f"expected comma-separated protocols of h1, h2, not {unknown[0]!r}")
    if len(set(names)) != len(names):
        raise ValueError("expected each protocol once")
    return names or ["h1"]
