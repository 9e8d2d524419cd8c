"""The values that settings have in one configuration, and what is derived from several of them."""

from __future__ import annotations

import os

from .address import OTHER_PROTOCOLS, Bind, direct, parse_bind
from .setting import Setting
from .setting_types import SettingTypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network
    from typing import Any

    from gunicorn._types import Address

DEFAULT = "default"
_SSL_OPTIONS = (
    "keyfile", "certfile", "ssl_version", "cert_reqs", "ca_certs", "suppress_ragged_eofs",
    "do_handshake_on_connect", "ciphers",
)
FRAMEWORK = "application"
# What the fields of a head may have together unless something else is set.
HEAD_LIMIT = 65536


class SettingValues(SettingTypes):
    """Every known setting, readable as an attribute of its name.

    `settings` maps names to `Setting` objects, `sources` names of settings that were set to a few words about
    who set them.
    """

    if TYPE_CHECKING:
        settings: dict[str, Setting]
        sources: dict[str, str]
        usage: str | None
        prog: str
        env_orig: dict[str, str]
    else:
        # Hidden from type checkers, so that they find names that are no setting.
        def __getattr__(self, name):
            try:
                return self.__dict__["settings"][name].value
            except KeyError:
                raise AttributeError(f"No configuration setting for: {name}") from None

    def __setattr__(self, name: str, value: object) -> None:
        if name != "settings" and name in self.settings:
            raise AttributeError(f"Invalid access! Use cfg.set({name!r}, value).")
        super().__setattr__(name, value)

    def __str__(self) -> str:
        return "".join(line + "\n" for line in self.describe())

    def describe(self) -> list[str]:
        """Return one line a setting, by name: its value, and where that came from."""
        width = max(map(len, self.settings))
        return [
            f"{name:<{width}} = {self.shown(name)}  # {self.sources.get(name, DEFAULT)}"
            for name in sorted(self.settings)
        ]

    def shown(self, name: str) -> str:
        """The value of a setting as people may see it: no password."""
        value = self.settings[name].get()
        return "(hidden)" if value and name.endswith("_password") else _shown(value)

    def set(self, name: str, value: object, source: str = FRAMEWORK) -> None:
        """Give the setting `name` a new value, which its validator accepts.

        Raises AttributeError when there is no such setting, and what the validator raises (ValueError,
        TypeError, ConfigError) when the value is wrong.
        """
        try:
            setting = self.settings[name]
        except KeyError:
            raise AttributeError(f"No configuration setting for: {name}") from None
        setting.set(value)
        self.sources[name] = source

    # Derived from several settings.

    def _value(self, name: str) -> Any:
        return self.settings[name].get()

    def own_hook(self, name: str) -> Any:
        """A hook that somebody has set; None for the default, which does nothing worth a call."""
        setting = self.settings[name]
        hook, default = setting.get(), type(setting).default
        is_default = hook is default or getattr(hook, "__func__", hook) is getattr(default, "__func__", default)
        return None if is_default else hook

    @property
    def workers(self) -> int:
        """The number of workers; `auto` is counted at every call."""
        value = self._value("workers")
        if isinstance(value, int):
            return value
        from gunicorn.unix.resources import automatic_workers

        return automatic_workers(self.worker_class_str == "sync")

    @property
    def worker_class_str(self) -> str:
        """The short name of the worker type, as logged."""
        uri = self._value("worker_class")
        if not isinstance(uri, str):
            return str(uri.__name__)
        return "gthread" if uri == "sync" and self.threads > 1 else uri

    @property
    def address(self) -> list[Address]:
        """What to listen on: `(host, port)`, the path of a unix socket, or an inherited descriptor."""
        return [bind.address for bind in self.binds]

    @property
    def binds(self) -> list[Bind]:
        """What to listen on, each address with its scheme and options."""
        binds = [parse_bind(bind) for bind in self.bind]
        direct(binds, [bind for bind in binds if self.speaks_tls(bind)])
        return binds

    def bind_of(self, address: Address, place: int = 0) -> Bind:
        """The bind of a listener: `address` as the configuration has it, or as the socket tells it.

        `place` is where it stands among the listeners; it decides where several binds have one address (port 0).
        """
        binds = self.binds
        for bind in binds[place:] + binds[:place]:
            if bind.address == address:
                return bind
        return Bind(address, "", {})

    def speaks_tls(self, bind: Bind) -> bool:
        """Whether what listens there does so by TLS."""
        return bind.scheme == "https" or (not bind.scheme and self.is_ssl and self.protocol == "http")

    def protocol_of(self, bind: Bind) -> str:
        """What is spoken there: `http`, inside TLS or not, or one of OTHER_PROTOCOLS."""
        if not bind.scheme:
            return self.protocol
        return bind.scheme if bind.scheme in OTHER_PROTOCOLS else "http"

    @property
    def uid(self) -> int:
        """The user the workers run as."""
        return int(self._value("user"))

    @property
    def gid(self) -> int:
        """The group the workers run as: of a user who is named without one, that user's own."""
        own = self._group_of_user()
        return int(self._value("group")) if own is None else own

    @property
    def has_groups_of_user(self) -> bool:
        """Whether the workers get all groups that their user is a member of."""
        return bool(self._value("initgroups")) or self._group_of_user() is not None

    def _group_of_user(self) -> int | None:
        """The group that the account of `user` has, where that is not the master's own user and no `group` is named."""
        uid = self.uid
        if "group" in self.sources or uid == os.geteuid():
            return None
        import pwd

        try:
            return pwd.getpwuid(uid).pw_gid
        except KeyError:
            # A number without an account.
            return None

    @property
    def proc_name(self) -> str:
        """The name for process lists."""
        name = self._value("proc_name")
        return str(name if name is not None else self.default_proc_name)

    @property
    def is_ssl(self) -> bool:
        """Whether listeners whose bind does not say otherwise speak TLS."""
        return bool(self.certfile or self.keyfile)

    @property
    def ssl_options(self) -> dict[str, object]:
        """The TLS settings that `ssl.wrap_socket` once took, by their names."""
        return {name: self.settings[name].get() for name in _SSL_OPTIONS}

    @property
    def env(self) -> dict[str, str]:
        """What `raw_env` adds to the environment. Raises RuntimeError when an item is not NAME=VALUE."""
        return dict(_pair(item) for item in self.raw_env)

    @property
    def sendfile(self) -> bool:
        """Whether sendfile(2) may be used."""
        value = self._value("sendfile")
        return True if value is None else bool(value)

    @property
    def limit_request_head(self) -> int:
        """The most bytes of all fields of a head, 0 for no limit: as set, or what the limits of fields ask for."""
        value = self._value("limit_request_head")
        if value is not None:
            return int(value)
        count, size = self.settings["limit_request_fields"], self.settings["limit_request_field_size"]
        if size.get() == 0:
            return 0
        if count.get() > count.default or size.get() > size.default:
            return int(count.get() * size.get())
        return HEAD_LIMIT

    @property
    def reuse_port(self) -> bool:
        """Whether every worker has a listening socket of its own."""
        return bool(self._value("reuse_port"))

    @property
    def paste_global_conf(self) -> dict[str, str]:
        """PasteDeploy's global configuration. Raises RuntimeError when an item is not NAME=VALUE."""
        pairs = (_pair(item.replace("\\=", "\0")) for item in self.raw_paste_global_conf)
        return {name.replace("\0", "="): value.replace("\0", "=") for name, value in pairs}

    def forwarded_allow_networks(self) -> list[IPv4Network | IPv6Network]:
        """`forwarded_allow_ips` as networks, without `*`."""
        return _networks(self.forwarded_allow_ips)

    def proxy_allow_networks(self) -> list[IPv4Network | IPv6Network]:
        """`proxy_allow_ips` as networks, without `*`."""
        return _networks(self.proxy_allow_ips)


def _pair(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not (name and equals):
        raise RuntimeError(f"environment setting {item!r} invalid: expected NAME=VALUE")
    return name, value


def _networks(addresses: list[str]) -> list[IPv4Network | IPv6Network]:
    from ipaddress import ip_network

    return [ip_network(address) for address in addresses if address != "*"]


def _shown(value: object) -> str:
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"<{value.__qualname__}()>"
    return str(value)
