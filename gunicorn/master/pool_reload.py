"""The reload of a pool of task processes: the configuration is read again, and put back where the new processes do not
come to serve."""

from __future__ import annotations

import os

from gunicorn.errors import ConfigError, OwnSignal
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.logs.switch import LogSwitch
from gunicorn.tasks.limits import VARIABLE_OF_LIMIT
from gunicorn.unix import forks

from . import decisions
from .pool_policy import limits_of, policy_of, specs_of
from .pool_state import PoolState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config

__all__ = ["PoolReload"]


class PoolReload(PoolState):
    """A pool, as far as its configuration changes."""

    # What was there before, while a reload runs.
    _before: tuple[Config, dict[str, int | None], LogSwitch] | None = None

    def _reload_begins(self, action: decisions.Reload) -> None:
        """Read the configuration again; what is wrong with it changes nothing."""
        old = self.cfg, self._specs, LogSwitch(self.log)
        problem = self._read_configuration()
        if problem is not None:
            self._restore(*old)
            self.log.error("Task processes: reload refused, the running configuration stays: %s", problem)
            self._news.reports.append(decisions.ReloadRefused())
            return
        self._before = old
        self._books.limits = {**self._books.limits, **self._specs}
        self._router.expect({**old[1], **self._specs}, limits_of(self.cfg))
        self._board.expect(self._shown_limits())
        self._news.reports.append(decisions.Reconfigured(policy_of(self.cfg)))
        if self.cfg.dirty_workers != old[0].dirty_workers:
            self._news.reports.append(decisions.Resize(self.wanted))

    def _read_configuration(self) -> str | None:
        try:
            _forget_env(self.cfg)
            self._app.reload()
            self.cfg = self._app.cfg
            self._specs = specs_of(self.cfg)
            os.environ.update(self.cfg.env or {})
            self._set_limits()
            self.log.setup(self.cfg)
        except OwnSignal:
            raise
        except (ConfigError, RuntimeError, OSError) as error:
            return str(error)
        except BaseException as error:  # noqa: BLE001  # the boundary around the user's code
            forks.end_stray(error)
            self.log.error("Error in the new configuration\n%s", application_traceback(error).rstrip())
            return f"{type(error).__name__}: {error}"
        return None

    def _restore(self, cfg: Config, specs: dict[str, int | None], logs: LogSwitch) -> None:
        _forget_env(self.cfg)
        self._app.cfg = self.cfg = cfg
        os.environ.update(cfg.env or {})
        self._set_limits()
        self._specs = specs
        logs.restore()

    def _set_limits(self) -> None:
        """Those of a message and of the stash, as the configuration has them now."""
        os.environ[VARIABLE_OF_LIMIT] = str(self.cfg.dirty_max_message)
        self._switchboard.stash.most = self.cfg.dirty_stash_memory

    def _reload_done(self, action: decisions.ReloadDone) -> None:
        self._end_reload()
        self._books.limits = {path: self._books.limits.get(path) for path in self._specs}
        self._router.expect(self._specs)
        self._board.expect(self._shown_limits())
        self.log.info("Task processes: reload done, %s serve the new code", self._books.target)

    def _reload_failed(self, action: decisions.ReloadFailed) -> None:
        self.log.error("Task processes: reload failed, the old ones stay: %s", action.reason)
        old, self._before = self._before, None
        if old is not None:
            self._restore(*old)
            self._router.expect(self._specs, limits_of(self.cfg))
            self._board.expect(self._shown_limits())
            self._news.reports.append(decisions.Restored(policy_of(self.cfg)))
            self._news.reports.append(decisions.Resize(self.wanted))

    def _end_reload(self) -> None:
        """There is no way back any more."""
        old, self._before = self._before, None
        if old is not None:
            old[2].finish()


def _forget_env(cfg: Config) -> None:
    """Take back what `raw_env` has set."""
    for name in cfg.env or {}:
        if name in cfg.env_orig:
            os.environ[name] = cfg.env_orig[name]
        else:
            os.environ.pop(name, None)
