"""Where the server listens."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_bind
from gunicorn.config.validators.resources import validate_group, validate_user
from gunicorn.config.validators.scalars import optional, validate_count, validate_mode

SECTION = "Server Socket"


class Bind(Setting):
    name = "bind"
    section = SECTION
    default = ["127.0.0.1:8000"]
    default_variable = "PORT"
    validator = validate_bind
    cli = ["-b", "--bind"]
    action = "append"
    meta = "ADDRESS"
    desc = """\
        An address to listen on; may be given several times.

        | form | meaning |
        | --- | --- |
        | `HOST:PORT`, `HOST` | IPv4; the port is 8000 when left out, port 0 lets the system choose |
        | `[ADDRESS]:PORT` | IPv6 |
        | `tcp://HOST:PORT` | the same as without `tcp://` |
        | `unix:PATH` | a unix socket, whose permissions follow `umask` |
        | `unix:\\0NAME` | a unix socket in Linux' abstract namespace, which leaves no file |
        | `fd://N` | a listening socket that this process inherited as descriptor N |
        | `https://HOST:PORT` | TLS, with the settings of the section SSL |
        | `https://HOST:PORT?certfile=FILE&keyfile=FILE` | TLS, with settings of its own |
        | `http://HOST:PORT` | no TLS, also when there is a `certfile` |
        | `http+redirect://HOST:PORT` | answers 308 to HTTPS: at the port of an `https://` address here, else at 443 |
        | `http://HOST:PORT?redirect=https:8443` | answers 308 to HTTPS at that port |

        Options behind `?` are `certfile`, `keyfile`, `ca_certs`, `cert_reqs`, `ciphers` and
        `ssl_minimum_version`, with `&` between them.

        When the environment has `PORT`, the default is `0.0.0.0:$PORT`.
        """


class Backlog(Setting):
    name = "backlog"
    section = SECTION
    default = 2048
    validator = validate_count
    type = int
    cli = ["--backlog"]
    meta = "INT"
    desc = """\
        How many connections the kernel may keep waiting until a worker accepts them.

        It is the argument of listen(2); the kernel may cap it (`net.core.somaxconn` on Linux). What comes
        when the queue is full is not answered, and the client tries again later.
        """


class UnixSocketMode(Setting):
    name = "unix_socket_mode"
    section = SECTION
    default = None
    validator = optional(validate_mode)
    cli = ["--unix-socket-mode"]
    meta = "MODE"
    desc = """\
        The permissions of the files of unix sockets, such as `0660`.

        When not set, they follow `umask`. Who may connect is who may write.
        """


class UnixSocketOwner(Setting):
    name = "unix_socket_owner"
    section = SECTION
    default = None
    validator = optional(validate_user)
    cli = ["--unix-socket-owner"]
    meta = "USER"
    desc = """\
        The owner of the files of unix sockets, as a name or a number.

        When not set, it is `user`, when the server is started by root.
        """


class UnixSocketGroup(Setting):
    name = "unix_socket_group"
    section = SECTION
    default = None
    validator = optional(validate_group)
    cli = ["--unix-socket-group"]
    meta = "GROUP"
    desc = """\
        The group of the files of unix sockets, as a name or a number.

        When not set, it is `group`, when the server is started by root.
        """
