"""Where the TLS of a listener ends: certificates, keys, names, and their renewal while the server runs.

A `Terminator` is made in the master, before the fork. All its workers then hold the same session ticket keys, so a
client resumes with whichever worker the kernel gives it to (RFC 8446 section 4.6.1). OpenSSL takes these keys from the
context a connection begins with, whatever certificate is shown later, so new files do not end anybody's session.
"""

from __future__ import annotations

import os
import ssl
from _ssl import _SSLContext
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gunicorn.errors import ConfigError

from .channel import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from gunicorn._types import Log, Peer

    class Handshake(Protocol):
        """A TLS object in the middle of its handshake."""

        requested_name: str | None
        context: ssl.SSLContext

    # Takes the configuration, and what makes the context that the settings describe; returns a context, if it is right.
    Hook = Callable[[object, Callable[[], ssl.SSLContext]], object]

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
# What a file is now: a new one has another time, number or size, also behind a symbolic link.
Stamp = tuple[tuple[int, int, int], ...]


class Options(NamedTuple):
    """How a listener speaks TLS. `where` says in messages which listener it is; `names` maps server names to
    (certificate file, key file or None); `protocols` are those that ALPN offers (RFC 7301), the preferred one first."""

    certfile: str | None = None
    keyfile: str | None = None
    password: str | None = None
    ca_certs: str | None = None
    cert_reqs: int = 0
    ciphers: str | None = None
    minimum: str = "TLSv1.2"
    names: Mapping[str, tuple[str, str | None]] = {}
    where: str = ""
    ragged_eofs: bool = True
    protocols: tuple[str, ...] = ("http/1.1",)


class Terminator:
    """The TLS of one listener.

    Every connection begins with `context`, whose session ticket keys are the ones that count, and takes its certificate
    from the contexts of now: those change when the files do. `hook` is called as `hook(config, default_factory)` and
    returns a context; without it the default is made. Raises `ConfigError`, one line, which names the file and what is
    wrong with it.
    """

    # The worker's logger: set by whoever gives this to a listener.
    log: Log

    def __init__(self, options: Options, hook: Hook | None = None, cfg: object = None):
        self.options = options
        self.ragged_eofs = options.ragged_eofs
        self._hook = hook
        self._cfg = cfg
        self._ciphers: dict[str, int] = {}
        self._stamp = self._stamp_now()
        self._refused: Stamp | None = None
        # The certificate files of contexts, and what was read from them.
        self._files: dict[ssl.SSLContext, str] = {}
        self._shown: dict[ssl.SSLContext, str] = {}
        self._named: dict[str, ssl.SSLContext] = {}
        self.context = self._load()
        self._current = self.context
        self._own_callback = self.context.sni_callback is not None
        _set_callback(self.context, self.context.sni_callback if self._own_callback else self._name_asked)

    def open(self) -> Channel:
        """The TLS of a new connection."""
        return Channel(self)

    def report(self, peer: Peer, error: Exception) -> None:
        """A client and we did not come together; the ports of the world are full of such. One that should show a
        certificate, and shows none or a wrong one, is worth a line: its owner will ask."""
        who = peer[0] if isinstance(peer, tuple) else "a unix socket"
        if getattr(error, "reason", None) in _REFUSED_REASONS:
            self.log.info("TLS: the certificate of the client %s was refused: %s", who, _why_refused(error))
        else:
            self.log.debug("TLS with %s failed: %s", who, error)

    # Making contexts.

    def _load(self) -> ssl.SSLContext:
        """Make all contexts from the files of now; nothing is changed unless all is well. Returns the default one."""
        before, self._files = self._files, {}
        try:
            named = {name.lower(): self._make(*files) for name, files in self.options.names.items()}
            context = self._default() if self._hook is None else self._of_hook(self._hook)
        except BaseException:
            self._files = before
            raise
        self._named = named
        self._shown.clear()
        return context

    def _of_hook(self, hook: Hook) -> ssl.SSLContext:
        try:
            context = hook(self._cfg, self._default)
        except ConfigError:
            raise
        except SystemExit as error:
            code = "" if error.code is None else repr(error.code)
            raise ConfigError(f"ssl_context: the hook called sys.exit({code})") from error
        except Exception as error:  # the boundary around a hook
            raise ConfigError(f"ssl_context: the hook failed: {type(error).__name__}: {error}") from error
        if not isinstance(context, ssl.SSLContext):
            raise ConfigError(f"ssl_context: the hook returned {context!r:.60}, expected an ssl.SSLContext")
        return context

    def _default(self) -> ssl.SSLContext:
        """The context that the settings describe."""
        options = self.options
        if not options.certfile and not options.keyfile:
            raise ConfigError(f"certfile{options.where}: TLS needs a certificate and its key: set certfile and keyfile")
        if not options.certfile:
            raise ConfigError(f"keyfile{options.where}: there is a key but no certfile with its certificate")
        return self._make(options.certfile, options.keyfile)

    def _make(self, certfile: str, keyfile: str | None) -> ssl.SSLContext:
        options = self.options
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = VERSIONS[options.minimum]
        context.options |= ssl.OP_NO_RENEGOTIATION
        # A new ticket comes with each resumption (RFC 8446 section 4.6.1): each one that is made and not used costs a
        # twentieth of a full handshake.
        context.num_tickets = 1
        context.set_alpn_protocols(list(options.protocols))
        if options.ciphers:
            _set_ciphers(context, options)
        load_chain(context, certfile, keyfile, options)
        context.verify_mode = ssl.VerifyMode(options.cert_reqs)
        if options.ca_certs:
            _load_authorities(context, options)
        elif options.cert_reqs:
            context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        self._files[context] = certfile
        return context

    def _name_asked(self, tls: Handshake, name: str | None, context: ssl.SSLContext) -> None:
        """The certificate that belongs to the name (RFC 6066 section 3); a wildcard stands for one label.

        Called in every handshake, also when the client names nobody.
        """
        # A socket of gevent's stands behind a weak reference.
        asked: Handshake = getattr(tls, "_sslsock", lambda: tls)()
        asked.requested_name = name
        found = self._context_of(name)
        if found is not context:
            asked.context = found

    def _context_of(self, name: str | None) -> ssl.SSLContext:
        if not name or not self._named:
            return self._current
        name = name.lower()
        return self._named.get(name) or self._named.get("*." + name.partition(".")[2]) or self._current

    def keeps_apart(self, name: str, host: str) -> bool:
        """Whether a client that has come by the one name must not ask for the other host: where clients show
        certificates, each name may stand for another rule (RFC 9110 section 7.4)."""
        return bool(self.options.cert_reqs) and self._context_of(name) is not self._context_of(host)

    # Renewal.

    def _stamp_now(self) -> Stamp:
        options = self.options
        pairs = [(options.certfile, options.keyfile), (options.ca_certs, None), *options.names.values()]
        return tuple(_stat(path) for pair in pairs for path in pair if path)

    def renew(self) -> bool:
        """Load files that have changed since the last call; whether there were new ones. Old ones serve on until the
        new ones are whole and fit each other."""
        stamp = self._stamp_now()
        if stamp == self._stamp or stamp == self._refused:
            return False
        try:
            context = self._load()
        except (ConfigError, OSError) as error:
            # The key often follows a moment later: every change is tried, and each is told once.
            self._refused = stamp
            self.log.warning("The changed certificate was not loaded, the old one stays in use: %s", error)
            return False
        self._stamp, self._refused = stamp, None
        self._current = context
        if self._own_callback:
            # A hook that chooses certificates itself: its new context has to see the handshake from the beginning.
            _set_callback(context, context.sni_callback)
            self.context = context
        self.log.info("Certificates were read again%s", self.options.where)
        return True

    # What facts need.

    def cipher_number(self, name: str) -> int:
        """The number of a cipher suite on the wire (RFC 8446 appendix B.4); 0 when it is not known."""
        if not self._ciphers:
            # The upper half of OpenSSL's number is its own.
            self._ciphers = {cipher["name"]: cipher["id"] & 0xFFFF for cipher in self.context.get_ciphers()}
        return self._ciphers.get(name, 0)

    def certificate_of(self, context: ssl.SSLContext) -> str:
        """The certificate that a context shows, as PEM; empty for one of a hook's own."""
        if context not in self._shown:
            path = self._files.get(context)
            if path is None:
                return ""
            self._shown[context] = _first_certificate(path)
        return self._shown[context]


def _set_callback(context: ssl.SSLContext, callback: Callable[..., object] | None) -> None:
    """Have OpenSSL call `callback` itself: gevent's class of contexts puts one of its own around it, which fails for
    TLS that has no socket."""
    descriptor = vars(_SSLContext)["sni_callback"]
    descriptor.__set__(context, callback)


def _stat(path: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_ino, status.st_size)


def _first_certificate(path: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    try:
        with open(path, encoding="latin-1") as file:
            text = file.read()
    except OSError:
        return ""
    start = text.find(begin)
    stop = text.find(end, start)
    return text[start:stop + len(end)] + "\n" if 0 <= start < stop else ""


# OpenSSL's reasons when a client shows no certificate, or one that is not accepted.
_REFUSED_REASONS = frozenset({"CERTIFICATE_VERIFY_FAILED", "PEER_DID_NOT_RETURN_A_CERTIFICATE"})


def _why_refused(error: Exception) -> str:
    if getattr(error, "reason", None) == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "it sent none"
    return getattr(error, "verify_message", None) or str(error)


# Loading files, with messages for people.

# OpenSSL's reasons for a key that does not fit (also one of another kind), and for one that does not open.
_MISMATCH_REASONS = ("KEY_TYPE_MISMATCH", "KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
# And for what its security level (`@SECLEVEL` of the ciphers) does not allow.
_WEAK_REASONS = {
    "EE_KEY_TOO_SMALL": "the key of the certificate is too small",
    "CA_KEY_TOO_SMALL": "the key of a certificate in its chain is too small",
    "CA_MD_TOO_WEAK": "a certificate is signed with a digest that is too weak",
    "DH_KEY_TOO_SMALL": "its Diffie-Hellman parameters are too small",
}
_PASSWORD_REASONS = ("BAD_DECRYPT", "BAD_PASSWORD_READ", "PKCS12_CIPHERFINAL_ERROR", "MAYBE_WRONG_PASSWORD")


def load_chain(context: ssl.SSLContext, certfile: str, keyfile: str | None, options: Options) -> None:
    """Load a certificate with its chain and its key. Raises `ConfigError`."""
    _check_readable("certfile", certfile, options)
    if keyfile:
        _check_readable("keyfile", keyfile, options)
    asked: list[bool] = []

    def password() -> str:
        asked.append(True)
        return options.password or ""

    try:
        context.load_cert_chain(certfile, keyfile, password)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(_what_is_wrong(error, certfile, keyfile, bool(asked), options)) from None


def _what_is_wrong(error: Exception, certfile: str, keyfile: str | None, asked: bool, options: Options) -> str:
    reason = getattr(error, "reason", None) or ""
    where = options.where
    name, path = ("keyfile", keyfile) if keyfile else ("certfile", certfile)
    if reason in _WEAK_REASONS:
        return f"certfile = {certfile!r}{where}: {_WEAK_REASONS[reason]} for OpenSSL's security level ({reason})"
    if reason in _MISMATCH_REASONS:
        return f"{name} = {path!r}{where}: the key does not belong to the certificate in {certfile!r}"
    if asked and not options.password:
        return f"{name} = {path!r}{where}: the key is encrypted, set keyfile_password"
    if asked or reason in _PASSWORD_REASONS:
        return f"{name} = {path!r}{where}: keyfile_password does not open the key"
    if not _has_certificate(certfile):
        return f"certfile = {certfile!r}{where}: expected a certificate as a PEM file"
    return f"{name} = {path!r}{where}: expected a private key as a PEM file ({reason or error})"


def _has_certificate(path: str) -> bool:
    try:
        ssl.PEM_cert_to_DER_cert(_first_certificate(path))
    except ValueError:
        return False
    return True


def _check_readable(name: str, path: str, options: Options) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ConfigError(f"{name} = {path!r}{options.where}: {error.strerror}") from None


def _load_authorities(context: ssl.SSLContext, options: Options) -> None:
    path = options.ca_certs
    assert path is not None
    _check_readable("ca_certs", path, options)
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        message = f"expected certificates as a PEM file ({error.reason})"
        raise ConfigError(f"ca_certs = {path!r}{options.where}: {message}") from None


def _set_ciphers(context: ssl.SSLContext, options: Options) -> None:
    assert options.ciphers is not None
    try:
        context.set_ciphers(options.ciphers)
    except ssl.SSLError:
        message = "OpenSSL knows none of these ciphers"
        raise ConfigError(f"ciphers = {options.ciphers!r}{options.where}: {message}") from None
