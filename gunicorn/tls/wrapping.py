"""TLS by the standard library's own sockets, for workers of third parties that accept for themselves."""

from __future__ import annotations

from gunicorn.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from ssl import SSLContext, SSLSocket
    from typing import Protocol

    class TLSSettings(Protocol):
        """The settings that a TLS context is made by."""

        @property
        def ca_certs(self) -> str | None: ...
        @property
        def certfile(self) -> str | None: ...
        @property
        def keyfile(self) -> str | None: ...
        @property
        def cert_reqs(self) -> int: ...
        @property
        def ciphers(self) -> str | None: ...
        @property
        def suppress_ragged_eofs(self) -> bool: ...
        @property
        def do_handshake_on_connect(self) -> bool: ...
        @property
        def ssl_context(self) -> Callable[[object, Callable[[], SSLContext]], SSLContext]: ...

__all__ = ["ssl_context", "ssl_wrap_socket"]


def ssl_context(conf: TLSSettings) -> SSLContext:
    """The ssl.SSLContext of `conf`, after its `ssl_context` hook had its say. Raises ConfigError where there is no
    certificate, OSError and ssl.SSLError where a file is not what it should be."""
    import ssl

    def default_factory() -> SSLContext:
        if conf.certfile is None:
            raise ConfigError("certfile = None: TLS needs a certificate")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=conf.ca_certs)
        # Custom workers may bring settings of their own, from before there was this one.
        minimum: str | None = getattr(conf, "ssl_minimum_version", None)
        if minimum is not None:
            context.minimum_version = ssl.TLSVersion[minimum.replace(".", "_")]
        context.load_cert_chain(certfile=conf.certfile, keyfile=conf.keyfile)
        context.verify_mode = ssl.VerifyMode(conf.cert_reqs)
        if conf.ciphers:
            context.set_ciphers(conf.ciphers)
        return context

    return conf.ssl_context(conf, default_factory)


def ssl_wrap_socket(sock: socket, conf: TLSSettings) -> SSLSocket:
    """`sock` as the server end of a TLS connection."""
    return ssl_context(conf).wrap_socket(
        sock,
        server_side=True,
        suppress_ragged_eofs=conf.suppress_ragged_eofs,
        do_handshake_on_connect=conf.do_handshake_on_connect,
    )
