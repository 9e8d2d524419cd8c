"""The Ray cluster as the gateway sees it: which nodes there are, what they have, and which of them still answer."""

from __future__ import annotations

import socket
import time

import ray

from gunicorn._record import Record
from gunicorn.unix import unpatched

from .errors import DirtyAppError, DirtyError
from .ray_actor import PREPARED, describe
from .ray_options import amounts_of, missing, together
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunicorn._types import Value

__all__ = ["Applications", "Cluster"]

CLUSTER_SECONDS, NODE_SECONDS = 5.0, 1.5
"""So long a cluster and a node may take to answer."""

SUSPECT_SECONDS = 90.0
"""So long nothing new goes to a node that did not answer: Ray takes a minute to see it itself."""

_LONGEST_SAID = 500
_NODE_ID = "ray.io/node-id"


class Applications(Record):
    """What classes say of themselves. `limits`: in how many processes each is to be, and how many have it already;
    `options`: what each asks of a node."""

    limits: dict[str, tuple[int | None, int]]
    options: dict[str, dict[str, object]]

    def options_for(self, paths: Iterable[str]) -> dict[str, object]:
        """What an actor with these asks for."""
        return together(self.options[path] for path in paths)


class Cluster:
    """Everything here may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = unpatched.allocate_lock()
        # Of the generation that was asked for last.
        self._described: tuple[int, dict[str, Value]] = (0, {})
        # By their ids: nodes that did not answer, and until when that is believed.
        self._suspects: dict[str, float] = {}
        # The node by which this process is in the cluster, and so on the same machine.
        self.own_node = ""
        # Where that node is reached by others.
        self.own_address = ""

    def connect(self, address: str, name: str) -> None:
        """Be a driver of the cluster at `address`. Raises DirtyError."""
        host, _, port = address.rpartition(":")
        # Ray would try it for minutes.
        problem = _unreachable(host.strip("[]"), int(port), CLUSTER_SECONDS) if host and port.isdecimal() else ""
        if problem:
            raise DirtyError(f"no cluster of Ray can be joined at {address}: it does not answer ({problem})")
        try:
            ray.init(address=address, namespace=name, log_to_driver=False, configure_logging=False)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            where = "on this machine (begin one by `ray start`, or set dirty_ray_address)" if address == "auto" else (
                f"at {address}"
            )
            # Of several lines, where versions differ.
            said = " ".join(str(error).split())[:_LONGEST_SAID]
            raise DirtyError(f"no cluster of Ray can be joined {where}: {said}") from error
        self.own_node = ray.get_runtime_context().get_node_id()
        self.own_address = next(
            (node["NodeManagerAddress"] for node in ray.nodes() if node["NodeID"] == self.own_node), "127.0.0.1"
        )

    def applications(self, order: dict[str, Value]) -> Applications:
        """What the classes of an order's applications say; they are asked once a generation, on a node.

        Raises DirtyError and RayError.
        """
        with self._lock:
            generation, told = self._described
            if generation != order["generation"] or set(told) != set(order["wanted"]):
                told = self._ask(order)
                self._described = order["generation"], told
        threads = order["threads"]
        limits, options = {}, {}
        for path, (limit, rank) in order["wanted"].items():
            workers, wants, is_safe = told[path]
            if threads > 1 and not is_safe:
                text = f"{path} says thread_safe = False, and dirty_threads is {threads}: it can only be 1"
                raise DirtyAppError(text, app_path=path)
            limits[path] = (workers if limit is None else limit), rank
            options[path] = wants
        return Applications(limits, options)

    def _ask(self, order: dict[str, Value]) -> dict[str, Value]:
        about = {name: order[name] for name in PREPARED}
        about["apps"] = list(order["wanted"])
        # The process ends behind it: one that has imported what it asks about is none for an actor of the next
        # generation.
        task = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(describe)
        options = {"runtime_env": order["ray_env"] or None, **self.placed({})}
        found = decode(ray.get(task.options(**options).remote(encode(about))))
        assert isinstance(found, dict)
        if found["problem"]:
            raise DirtyError(found["problem"])
        apps: dict[str, Value] = found["apps"]
        return apps

    # Nodes.

    def resources(self) -> list[dict[str, float]]:
        """What each living node has, whoever uses it."""
        return [node["Resources"] for node in _living_nodes()]

    def placed(self, options: dict[str, object]) -> dict[str, object]:
        """These options, and where an actor with them had better not go."""
        now = time.monotonic()
        nodes = _living_nodes()
        shunned = {node["NodeID"] for node in nodes if self._suspects.get(node["NodeID"], 0.0) > now}
        others = [node["Resources"] for node in nodes if node["NodeID"] not in shunned]
        selector = options.get("label_selector")
        if not shunned or missing(options, others) or (isinstance(selector, dict) and _NODE_ID in selector):
            return options
        known = selector if isinstance(selector, dict) else {}
        return {**options, "label_selector": {**known, _NODE_ID: f"!in({','.join(sorted(shunned))})"}}

    def suspect(self, node: str) -> None:
        """This node does not answer."""
        self._suspects[node] = time.monotonic() + SUSPECT_SECONDS

    def problem_of(self, node_id: str) -> str:
        """Why nothing is to be hoped for from a node; empty: it answers."""
        for node in _living_nodes():
            if node["NodeID"] == node_id:
                host = node["NodeManagerAddress"]
                problem = _unreachable(host, node["NodeManagerPort"], NODE_SECONDS)
                return f"its node, {host}, does not answer ({problem})" if problem else ""
        return "its node has left the cluster"

    def room_for(self, options: dict[str, object]) -> str:
        """What these options ask for, and what nobody uses now."""
        free = ray.available_resources()
        parts = [f"{name} {amount:g}, {free.get(name, 0):g} free" for name, amount in amounts_of(options).items()]
        return f"it asks for {'; '.join(parts)}" if parts else "it asks for nothing"


def _living_nodes() -> list[dict[str, Value]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _unreachable(host: str, port: int, seconds: float) -> str:
    """Why nobody is there; empty: somebody is."""
    try:
        socket.create_connection((host, port), seconds).close()
    except OSError as error:
        return str(error)
    return ""
