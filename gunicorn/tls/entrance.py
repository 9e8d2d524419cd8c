"""From the configuration to what each listener does with its connections: TLS, a redirect, or nothing special."""

from __future__ import annotations

import os

from gunicorn._standard import standard_first
from gunicorn.config.checks import complaint
from gunicorn.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from gunicorn._types import Address, Log, SocketAddress
    from gunicorn.config.address import Bind
    from gunicorn.config.config import Config
    from gunicorn.engine.listener import Listener
    from gunicorn.unix.sockets import BaseSocket

    from .terminator import Options, Terminator

# Protocols as the setting calls them, and as ALPN does.
_NAMES = {"h1": "http/1.1", "h2": "h2"}
_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def prepare(cfg: Config) -> None:
    """Make what the listeners of a configuration need for TLS, before the fork, and keep it as `cfg.terminators`.

    Raises `ConfigError`. Costs nothing, not even an import, where there is no TLS.
    """
    particular = cfg.protocol != "http" or any(bind.scheme for bind in cfg.binds)
    if particular and not getattr(cfg.worker_class, "honours_bind_options", False):
        check_guest(cfg)
    terminators: dict[tuple[tuple[str, str], ...], Terminator] = {}
    for bind in cfg.binds:
        if cfg.speaks_tls(bind) and _key(bind) not in terminators:
            terminators[_key(bind)] = _make(cfg, bind)
    if cfg.is_ssl and () not in terminators:
        # For listeners that were handed over and are in no bind.
        terminators[()] = _make(cfg, None)
    cfg.terminators = terminators


def check_guest(cfg: Config) -> None:
    """A server that a worker type brings of its own knows nothing of binds: it must not serve in the clear what was
    meant for TLS. Raises `ConfigError`."""
    check_http_alone(cfg)
    for bind in cfg.binds:
        if bind.redirect or bind.options or cfg.speaks_tls(bind) != cfg.is_ssl:
            kind = cfg.worker_class_str
            raise ConfigError(f"bind = {_shown(bind.address)}: worker_class = {kind} serves all addresses in the same "
                              "way: use certfile and keyfile, without https://, http:// or options in bind")


def check_http_alone(cfg: Config) -> None:
    """Such a server speaks HTTP and nothing else. Raises `ConfigError`."""
    for bind in cfg.binds:
        protocol = cfg.protocol_of(bind)
        if protocol != "http":
            kind = cfg.worker_class_str
            raise ConfigError(f"bind = {_shown(bind.address)}: worker_class = {kind} serves this application by a "
                              f"server that speaks HTTP alone, and not {protocol}")


def check_served(cfg: Config, *names: str) -> None:
    """Such a server hands every request to its application: settings that would answer some of them must not be taken
    for in force. Raises `ConfigError`."""
    for name in names:
        if getattr(cfg, name):
            kind = cfg.worker_class_str
            problem = f"worker_class = {kind} serves this application by a server of its own, which knows nothing of it"
            raise ConfigError(complaint(cfg, name, problem))


def attach(listeners: list[Listener], sockets: Sequence[BaseSocket], cfg: Config, log: Log) -> None:
    """Tell the listeners of a worker what `prepare` has made for them."""
    for place, (listener, sock) in enumerate(zip(listeners, sockets, strict=True)):
        listener.terminator, listener.redirect = listener_role(sock, place, cfg, log)


def listener_role(
    sock: BaseSocket | socket.socket, place: int, cfg: Config, log: Log
) -> tuple[Terminator | None, int]:
    """The `Terminator` of a listener, None where there is no TLS, and the port it redirects to, 0 where it serves;
    `place` is where it stands among the listeners."""
    bind = bind_of(sock, place, cfg)
    if not cfg.speaks_tls(bind):
        return None, bind.redirect
    terminator: Terminator = cfg.terminators[_key(bind)]
    terminator.log = log
    return terminator, bind.redirect


def certificate_file(sock: BaseSocket, place: int, cfg: Config) -> str | None:
    """The file of the certificate that a listener shows; None without TLS."""
    bind = bind_of(sock, place, cfg)
    if not cfg.speaks_tls(bind):
        return None
    file: str | None = cfg.terminators[_key(bind)].options.certfile
    return file


def bind_of(sock: BaseSocket | socket.socket, place: int, cfg: Config) -> Bind:
    """What the configuration says of a listener; `place` is where it stands among the listeners."""
    return cfg.bind_of(_address_of(sock), place)


def _address_of(sock: BaseSocket | socket.socket) -> Address:
    """Where a socket listens, as the configuration has it; of one that was handed over, as the system tells it."""
    setting: Address | None = getattr(sock, "setting", None)
    if setting is not None:
        return setting
    name: SocketAddress = sock.getsockname()
    return name[:2] if isinstance(name, tuple) else os.fsdecode(name)


def _key(bind: Bind) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(bind.options.items()))


def _make(cfg: Config, bind: Bind | None) -> Terminator:
    # Not before it is used: ssl is slow to import.
    with standard_first():
        from .terminator import Terminator

    return Terminator(_options(cfg, bind), cfg.own_hook("ssl_context"), cfg)


def _options(cfg: Config, bind: Bind | None) -> Options:
    """The settings, with what the bind says in their place."""
    from .terminator import Options

    own = bind.options if bind is not None else {}
    where = f" (https://{_shown(bind.address)})" if bind is not None and own else ""
    # A certificate of its own does not go with the key of another.
    keyfile = own.get("keyfile") if "certfile" in own else own.get("keyfile", cfg.keyfile)
    return Options(
        certfile=own.get("certfile", cfg.certfile),
        keyfile=keyfile,
        password=cfg.keyfile_password,
        ca_certs=own.get("ca_certs", cfg.ca_certs),
        cert_reqs=_one_of("cert_reqs", str(own.get("cert_reqs", cfg.cert_reqs)), ("0", "1", "2"), where),
        ciphers=own.get("ciphers", cfg.ciphers),
        minimum=_VERSIONS[
            _one_of("ssl_minimum_version", own.get("ssl_minimum_version", cfg.ssl_minimum_version), _VERSIONS, where)
        ],
        names=cfg.sni_certs,
        where=where,
        ragged_eofs=bool(cfg.suppress_ragged_eofs),
        protocols=_protocols(cfg),
    )


def _protocols(cfg: Config) -> tuple[str, ...]:
    """What ALPN offers. A server that a worker type brings of its own speaks HTTP/1 alone."""
    ours = getattr(cfg.worker_class, "honours_bind_options", False)
    return tuple(_NAMES[name] for name in cfg.http_protocols if ours or name == "h1") or ("http/1.1",)


def _one_of(name: str, value: str, words: tuple[str, ...], where: str) -> int:
    if value not in words:
        raise ConfigError(f"{name} = {value!r}{where}: expected one of {', '.join(words)}")
    return words.index(value)


def _shown(address: Address) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
