"""The commands: words, and what each does. Pure: they see a view, and what is to happen they ask for.

A table, in which the longest beginning of what was said counts.
"""

from __future__ import annotations

import signal

from gunicorn._record import Record
from gunicorn.instrument.profile_file import ProfileInUse

from . import facts
from .replies import AfterStep, Answered, CommandError, Every, Ordered, Sampled, Until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .facts import Data
    from .orders import Orders
    from .replies import Reply
    from .view import ServerView

__all__ = ["COMMANDS", "Command", "find", "run"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
SHORTEST_WATCH, LONGEST_WATCH = 0.1, 3600.0
USUAL_PROFILE, SHORTEST_PROFILE, LONGEST_PROFILE = 10.0, 0.1, 600.0
MOST_TASK_PROCESSES = 1000
"""So many more, or less, at a time."""

NO_POOL: Data = {"success": False, "error": "Dirty arbiter not running"}


class Command(Record):
    """`does` is given orders, a view and the words behind its own; `changes`: something of the server."""

    does: Callable[[Orders, ServerView, Sequence[str]], Data | Reply]
    text: str
    usage: str = ""
    changes: bool = False


def run(orders: Orders, words: Sequence[str]) -> Data | Reply:
    """Do what was said. Raises CommandError."""
    name, command = find(words)
    return command.does(orders, orders.view(), words[len(name.split()) :])


def find(words: Sequence[str]) -> tuple[str, Command]:
    """The command that `words` begin with, and its name. Raises CommandError."""
    if not words:
        raise CommandError("Empty command")
    first = words[0].lower()
    if first in COMMANDS:
        return first, COMMANDS[first]
    if first not in _GROUPS:
        raise CommandError(f"Invalid argument: Unknown command: {words[0]}")
    kind, choices = _GROUPS[first]
    if len(words) == 1:
        raise CommandError(f"Invalid argument: Missing {kind} ({choices})")
    name = f"{first} {words[1].lower()}"
    if name not in COMMANDS:
        raise CommandError(f"Invalid argument: Unknown {kind}: {words[1]}")
    return name, COMMANDS[name]


# Arguments.


def _count(words: Sequence[str]) -> int:
    return max(1, _whole(words[0])) if words else 1


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError as error:
        raise CommandError(f"Invalid argument: {error}") from None


def _pid(words: Sequence[str], command: str) -> int:
    if not words:
        raise CommandError(f"Invalid argument: Missing PID for {command}")
    return _whole(words[0])


def _seconds(words: Sequence[str]) -> float | None:
    if not words:
        return None
    try:
        seconds = float(words[0])
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise CommandError(f"Invalid argument: Invalid number of seconds: {words[0]}")
    return seconds


# Looking.


def _shown(tell: Callable[[ServerView], Data]) -> Callable[[Orders, ServerView, Sequence[str]], Data]:
    return lambda orders, view, words: tell(view)


def _help(orders: Orders, view: ServerView, words: Sequence[str]) -> Data:
    return {"commands": {command.usage or name: command.text for name, command in COMMANDS.items()}}


def _show_stacks(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    pid = _pid(words, "show stacks")
    if view.worker(pid) is None:
        raise CommandError(f"Worker {pid} not found")
    return Answered(view, orders.ask_stacks(pid), lambda text: {"pid": pid, "stacks": text})


def _profile(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    pids = [worker.pid for worker in view.workers if worker.phase == "ready"]
    if words and words[0].lower() != "all":
        pids = [_whole(words[0])]
        if view.worker(pids[0]) is None:
            raise CommandError(f"Worker {pids[0]} not found")
    if not pids:
        raise CommandError("No worker is ready")
    wanted = _seconds(words[1:])
    seconds = min(max(USUAL_PROFILE if wanted is None else wanted, SHORTEST_PROFILE), LONGEST_PROFILE)
    try:
        profile = orders.profile(pids, seconds)
    except ProfileInUse as error:
        raise CommandError(str(error)) from None
    return Sampled(profile, lambda found: facts.of_profile(found, seconds))


def _watch(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    seconds = _seconds(words)
    return Every(view, facts.snapshot, min(max(1.0 if seconds is None else seconds, SHORTEST_WATCH), LONGEST_WATCH))


# Waiting.


def _wait_ready(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    def tell(view: ServerView) -> Data | None:
        return {"ready": True} if view.ready[0] else None

    return Until(view, tell, _seconds(words), lambda view: f"Not ready: {view.ready[1]}")


def _wait_reloaded(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    return _reloaded(view, _seconds(words), 0)


def _reloaded(view: ServerView, seconds: float | None, at_least: int) -> Reply:
    """When no reload is under way, and so many have ended at least."""

    def tell(view: ServerView) -> Data | None:
        if view.reload.running or view.reload.ended < at_least:
            if view.stopping:
                raise CommandError("The server is stopping")
            return None
        if view.reload.problem is not None:
            raise CommandError(f"Reload failed: {view.reload.problem}")
        return {"status": "reloaded", "reloaded": True}

    return Until(view, tell, seconds, lambda view: "The reload is still under way")


# Workers.


def _add(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    return _resize(orders, view, _count(words), "added")


def _remove(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    return _resize(orders, view, -_count(words), "removed")


def _resize(orders: Orders, view: ServerView, by: int, name: str) -> Reply:
    orders.resize(by)
    before = view.target
    return AfterStep(lambda now: {name: abs(now.target - before), "previous": before, "total": now.target})


def _kill(orders: Orders, view: ServerView, words: Sequence[str]) -> Data | Reply:
    pid = _pid(words, "worker kill")
    if view.worker(pid) is None:
        return {"success": False, "error": f"Worker {pid} not found"}
    orders.dismiss(pid)
    return AfterStep(lambda now: {"success": True, "killed": pid})


def _restart(orders: Orders, view: ServerView, words: Sequence[str]) -> Data | Reply:
    pids = [_whole(words[0])] if words else [worker.pid for worker in view.workers]
    for pid in pids:
        if view.worker(pid) is None:
            return {"success": False, "error": f"Worker {pid} not found"}
    orders.renew(pids)
    return AfterStep(lambda now: {"success": True, "restarting": pids})


# The server.


def _reload(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    orders.signal(signal.SIGHUP)
    if not words or words[0].lower() != "--wait":
        return AfterStep(lambda now: {"status": "reloading"})
    # One that runs already comes to its end first.
    return _reloaded(view, _seconds(words[1:]), view.reload.ended + 1)


def _reopen(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    orders.signal(signal.SIGUSR1)
    return AfterStep(lambda now: {"status": "reopening"})


def _shutdown(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    mode = words[0].lower() if words else "graceful"
    if mode == "quick":
        orders.signal(signal.SIGINT)
    elif not view.stopping:
        # A second TERM would mean more haste.
        orders.signal(signal.SIGTERM)
    return AfterStep(lambda now: {"status": "shutting_down", "mode": mode})


def _drain(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    word = words[0].lower() if words else ""
    if word not in ("on", "off"):
        raise CommandError("Invalid argument: drain needs on or off")
    orders.drain(word == "on")
    return AfterStep(lambda now: {"draining": now.draining, "ready": now.ready[0]})


def _log_level(orders: Orders, view: ServerView, words: Sequence[str]) -> Reply:
    level = words[0].lower() if words else ""
    if level not in LEVELS:
        raise CommandError(f"Invalid argument: the levels are {', '.join(LEVELS)}")
    if not orders.set_log_level(LEVELS[level]):
        raise CommandError("The logger class has no level that can be set")
    return AfterStep(lambda now: {"level": level})


# Tasks.


def _add_task_processes(orders: Orders, view: ServerView, words: Sequence[str]) -> Data | Reply:
    return _resize_tasks(orders, view, _count(words), "add")


def _remove_task_processes(orders: Orders, view: ServerView, words: Sequence[str]) -> Data | Reply:
    return _resize_tasks(orders, view, _count(words), "remove")


def _resize_tasks(orders: Orders, view: ServerView, requested: int, operation: str) -> Data | Reply:
    told = min(requested, MOST_TASK_PROCESSES)
    order = orders.resize_tasks(told if operation == "add" else -told)
    if order is None:
        return dict(NO_POOL)
    before = order.before

    def tell(total: int, reason: str) -> Data:
        done = abs(total - before)
        why = reason or _WHY_NOT[operation] if done < told else f"At most {MOST_TASK_PROCESSES} at a time."
        if not done:
            raise CommandError(why)
        data: Data = {
            "success": True, "operation": operation, "requested": requested, _DONE[operation]: done,
            "previous": before, "total_workers": total, "target_workers": total,
        }
        return data if done == requested else {**data, "reason": why}

    return Ordered(view, order, tell)


_DONE = {"add": "spawned", "remove": "removed"}
_WHY_NOT = {"add": "The task processes are stopping.", "remove": "One task process stays."}

COMMANDS: dict[str, Command] = {
    "help": Command(_help, "List the commands"),
    "show all": Command(_shown(facts.everything), "Master, workers and task processes"),
    "show workers": Command(_shown(facts.workers), "The workers, each with its state and numbers"),
    "show dirty": Command(_shown(facts.of_tasks), "Task processes"),
    "show config": Command(_shown(facts.of_settings), "The configuration, and where each value came from"),
    "show stats": Command(_shown(facts.stats), "Numbers of the server"),
    "show listeners": Command(_shown(facts.listeners), "Where the server listens"),
    "show requests": Command(_shown(facts.requests), "Running requests, the oldest first"),
    "show stacks": Command(_show_stacks, "What a worker is doing, thread by thread", "show stacks <PID>"),
    "worker add": Command(_add, "Start so many workers more", "worker add [N]", True),
    "worker remove": Command(_remove, "Run so many workers less; one stays", "worker remove [N]", True),
    "worker kill": Command(_kill, "End a worker; another one takes its place", "worker kill <PID>", True),
    "worker restart": Command(_restart, "Replace a worker, or all, without a gap", "worker restart [PID]", True),
    "dirty add": Command(_add_task_processes, "Start so many task processes more", "dirty add [N]", True),
    "dirty remove": Command(_remove_task_processes, "Run less, as applications allow", "dirty remove [N]", True),
    "reload": Command(_reload, "Reload as HUP does; with --wait [SECONDS] answer when it is done", "", True),
    "reopen": Command(_reopen, "Open the log files anew, as USR1 does", "", True),
    "shutdown": Command(_shutdown, "Stop the server", "shutdown [graceful|quick]", True),
    "drain": Command(_drain, "Say that no new clients should come; serve on", "drain on|off", True),
    "log level": Command(_log_level, "Level of the error log, until the next reload", "log level <LEVEL>", True),
    "profile": Command(_profile, "Where workers spend their time, as a flame graph", "profile [PID|all] [SECONDS]"),
    "watch": Command(_watch, "Tell all that changes, again and again", "watch [SECONDS]"),
    "wait ready": Command(_wait_ready, "Answer when the server is ready", "wait ready [SECONDS]"),
    "wait reloaded": Command(_wait_reloaded, "Answer when no reload is under way", "wait reloaded [SECONDS]"),
}

#: Commands of two words, by the first: what the second one is, and which there are (of those that were always there).
_GROUPS = {
    "show": ("show target", "all|workers|dirty|config|stats|listeners"),
    "worker": ("worker action", "add|remove|kill"),
    "dirty": ("dirty action", "add|remove"),
    "log": ("log target", "level"),
    "wait": ("wait target", "ready|reloaded"),
}
