"""TLS."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.places import validate_server_names
from gunicorn.config.validators.scalars import (
    in_range,
    validate_bool,
    validate_ssl_version,
    validate_string,
    validate_tls_version,
)

SECTION = "SSL"

# The numbers of ssl.PROTOCOL_TLS and ssl.CERT_NONE: to import the module for them would cost every start its
# time.
PROTOCOL_TLS = 2
CERT_NONE = 0


class KeyFile(Setting):
    name = "keyfile"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--keyfile"]
    meta = "FILE"
    desc = """\
        The private key, as a PEM file; not needed when `certfile` contains it.

        Key and certificate are read by the master, before it gives up its rights. When the files change they are
        read again without a reload; where the workers may not read them, SIGHUP does it.
        """


class CertFile(Setting):
    name = "certfile"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--certfile"]
    meta = "FILE"
    desc = """\
        The certificate with its chain, as a PEM file. Setting it enables HTTPS.
        """


class KeyFilePassword(Setting):
    name = "keyfile_password"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--keyfile-password"]
    meta = "TEXT"
    desc = """\
        The password of an encrypted private key.

        Everyone on the machine can read a command line: the environment variable or the configuration file is the
        place for it.
        """


class SSLMinimumVersion(Setting):
    name = "ssl_minimum_version"
    section = SECTION
    default = "TLSv1.2"
    validator = validate_tls_version
    cli = ["--ssl-minimum-version"]
    meta = "VERSION"
    desc = """\
        The oldest TLS version to accept: `TLSv1.2` or `TLSv1.3`; `TLSv1` and `TLSv1.1` where OpenSSL has them.
        """


class SNICerts(Setting):
    name = "sni_certs"
    section = SECTION
    default = {}
    validator = validate_server_names
    cli = ["--sni-cert"]
    action = "append"
    meta = "NAME=CERT[,KEY]"
    desc = """\
        Certificates for further server names, by the name that a client asks for (SNI).

        `NAME=CERTFILE,KEYFILE`, or `NAME=FILE` with both in one file; may be given several times. In a
        configuration file it may be a dict of names and files. `*.example.org` stands for all names that have one
        label more. Every other name gets `certfile`.
        """


class SSLVersion(Setting):
    name = "ssl_version"
    section = SECTION
    default = PROTOCOL_TLS
    validator = validate_ssl_version
    cli = ["--ssl-version"]
    desc = """\
        Accepted for existing configurations, and without effect.

        The protocol version is negotiated; `ssl_minimum_version` restricts it.
        """


class CertReqs(Setting):
    name = "cert_reqs"
    section = SECTION
    default = CERT_NONE
    validator = in_range(0, 2)
    cli = ["--cert-reqs"]
    desc = """\
        Whether clients must show a certificate: 0 no, 1 if they like, 2 yes.

        The numbers are those of `ssl.CERT_NONE`, `ssl.CERT_OPTIONAL` and `ssl.CERT_REQUIRED`.
        """


class CACerts(Setting):
    name = "ca_certs"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--ca-certs"]
    meta = "FILE"
    desc = """\
        The authorities that client certificates are checked against, as a PEM file.

        Without it the system's own authorities count.
        """


class SuppressRaggedEOFs(Setting):
    name = "suppress_ragged_eofs"
    section = SECTION
    default = True
    validator = validate_bool
    cli = ["--suppress-ragged-eofs"]
    action = "store_true"
    desc = """\
        Treat a connection that ends without TLS's close_notify as closed normally.
        """


class DoHandshakeOnConnect(Setting):
    name = "do_handshake_on_connect"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--do-handshake-on-connect"]
    action = "store_true"
    desc = """\
        Accepted for existing configurations, and without effect.

        The handshake begins with the client's first byte and never makes anybody else wait.
        """


class Ciphers(Setting):
    name = "ciphers"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--ciphers"]
    desc = """\
        The ciphers to allow, in OpenSSL's notation. TLS 1.3 has its own and is not affected.
        """
