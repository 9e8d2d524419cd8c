"""One pool for several servers: which of them leads it.

Whoever has the name in the cluster leads: an actor of that name, which belongs to its server and ends with it, says
where the leader's door is. The others send their callers there, look every two seconds whether it is still so, and
try to have the name when it is free.
"""

from __future__ import annotations

import time

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from gunicorn.unix import unpatched

from .addresses import Way, way_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Value

    from .ray_cluster import Cluster

    Tell = Callable[..., None]

__all__ = ["Share"]

LOOK_EVERY = 2.0
SILENT_AFTER = 5.0
"""Seconds after which a leader that does not answer has its node looked at."""

AGAIN_AFTER = 0.5
"""Seconds between trials to have a name that is taken, by one that does not answer any more."""

_NAME = "pool"


class Keeper:
    """The actor that has the name."""

    def __init__(self, door: str, node: str) -> None:
        self._about = door, node

    def about(self) -> tuple[str, str]:
        """Where the leader's door is, and its node."""
        return self._about


class Share:
    """The pool called `name` in the cluster, which this server leads by `door`, or does not. `tell` is told whenever
    that changes: "leads", or "follows" and whom. `way`: where it is led, if that is elsewhere."""

    def __init__(self, name: str, door: str, cluster: Cluster, tell: Tell) -> None:
        self._namespace = f"gunicorn.{name}"
        self._door = door
        self._cluster = cluster
        self._tell = tell
        self._leads = False
        self.way: Way | None = None

    def begin(self) -> None:
        """Find out who leads, and go on to look, in a thread, to the end of the process."""
        unpatched.start_new_thread(self._run, ())

    def _run(self) -> None:
        while True:
            try:
                self._look()
            except (RayError, OSError):
                # Nobody knows now; the pool goes on as it does.
                pass
            time.sleep(AGAIN_AFTER)

    def _look(self) -> None:
        """Lead or follow, as long as that lasts. Raises RayError."""
        keeper, node = self._take_name(), self._cluster.own_node
        if keeper is not None:
            self._lead()
        else:
            keeper = self._find()
            if keeper is None:
                return
            door, node = ray.get(keeper.about.remote(), timeout=SILENT_AFTER)
            self._follow(way_to(door))
        self._stay(keeper, node)

    def _take_name(self) -> Value:
        kind = ray.remote(num_cpus=0, max_restarts=0)(Keeper)
        here = NodeAffinitySchedulingStrategy(self._cluster.own_node, soft=False)
        options = kind.options(name=_NAME, namespace=self._namespace, scheduling_strategy=here)
        try:
            return options.remote(self._door, self._cluster.own_node)
        except ValueError:
            # It is taken.
            return None

    def _find(self) -> Value:
        try:
            return ray.get_actor(_NAME, namespace=self._namespace)
        except ValueError:
            # It was.
            return None

    def _lead(self) -> None:
        if not self._leads:
            self._leads, self.way = True, None
            self._tell("leads")

    def _follow(self, way: Way) -> None:
        if self.way is not None and self.way.name == way.name:
            # It had only not answered.
            return
        self.way = way
        # One that has led has lost its name to another: it is told, and begins anew.
        self._tell("follows", way.name)

    def _stay(self, keeper: Value, node: str) -> None:
        """While this one, on that node, has the name. Raises RayError when it has not."""
        while True:
            asked = keeper.about.remote()
            done, _ = ray.wait([asked], timeout=SILENT_AFTER)
            if done:
                ray.get(asked)
                time.sleep(LOOK_EVERY)
            elif self._cluster.problem_of(node):
                # Ray would take a minute to see it.
                self._cluster.suspect(node)
                ray.kill(keeper, no_restart=True)
                return
