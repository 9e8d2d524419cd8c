"""What can be asked for by HTTP: resources, and the command of the control interface that each of them is.

What a request brings along (a number in its path, JSON) becomes the words of that command, which sees to the rest.
"""

from __future__ import annotations

from gunicorn._record import Record
from gunicorn._standard import standard_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["OF_WORKERS", "RESOURCES", "Action", "BadContent", "find", "read_content"]

MOST_WORKERS = 1000


class BadContent(Exception):
    """What a request has sent is not what is expected; the text is for who sent it."""


class Action(Record):
    """A command: its name, which members the JSON may have, and how these become words."""

    command: str
    members: tuple[str, ...] = ()
    words: Callable[[Mapping[str, object]], list[str]] | None = None


def find(path: str) -> tuple[Mapping[str, Action] | None, str]:
    """What stands at a path, by method, and the PID in it, if there is one."""
    actions = RESOURCES.get(path)
    if actions is not None:
        return actions, ""
    parts = path.split("/")
    pid = parts[2] if len(parts) > 2 else ""
    if not (pid.isascii() and pid.isdigit() and len(pid) < 20):
        return None, ""
    return OF_WORKERS.get((parts[1], *parts[3:])), pid


def read_content(action: Action, content: bytes) -> list[str]:
    """The words of what was sent. Raises BadContent."""
    members = _object(content) if content.strip() else {}
    for name in members:
        if name not in action.members:
            known = f"only {', '.join(action.members)}" if action.members else "none"
            raise BadContent(f"Unknown member of the object: there can be {known}")
    return action.words(members) if action.words is not None else []


def _object(content: bytes) -> Mapping[str, object]:
    with standard_first():
        import json

    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadContent("This is not JSON") from None
    if not isinstance(found, dict):
        raise BadContent("Expected an object of JSON")
    return found


# Members as words.


def _whole(name: str, value: object, most: int) -> str:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise BadContent(f"Expected a whole number of 1 to {most} as {name}")
    return str(value)


def _seconds(value: object) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 86400:
        raise BadContent("Expected a number of seconds")
    return str(value)


def _of_wait(members: Mapping[str, object]) -> list[str]:
    wait = members.get("wait", False)
    if isinstance(wait, bool):
        return ["--wait"] if wait else []
    return ["--wait", _seconds(wait)]


def _of_on(members: Mapping[str, object]) -> list[str]:
    on = members.get("on")
    if not isinstance(on, bool):
        raise BadContent('Expected {"on": true} or {"on": false}')
    return ["on" if on else "off"]


def _of_mode(members: Mapping[str, object]) -> list[str]:
    mode = members.get("mode", "graceful")
    if mode not in ("graceful", "quick"):
        raise BadContent("Expected graceful or quick as mode")
    return [str(mode)]


def _of_number(members: Mapping[str, object]) -> list[str]:
    if len(members) != 1:
        raise BadContent('Expected {"add": N} or {"remove": N}')
    ((name, value),) = members.items()
    return [name, _whole(name, value, MOST_WORKERS)]


def _of_profile(members: Mapping[str, object]) -> list[str]:
    pid = members.get("pid", "all")
    who = "all" if pid == "all" else _whole("pid (or all)", pid, 1 << 31)
    return [who, *([_seconds(members["seconds"])] if "seconds" in members else [])]


def _shown(what: str) -> dict[str, Action]:
    return {"GET": Action(f"show {what}")}


#: By path and method.
RESOURCES: Mapping[str, Mapping[str, Action]] = {
    "/stats": _shown("stats"),
    "/workers": {**_shown("workers"), "POST": Action("worker", ("add", "remove"), _of_number)},
    "/requests": _shown("requests"),
    "/config": _shown("config"),
    "/listeners": _shown("listeners"),
    "/dirty": {**_shown("dirty"), "POST": Action("dirty", ("add", "remove"), _of_number)},
    "/reload": {"POST": Action("reload", ("wait",), _of_wait)},
    "/reopen": {"POST": Action("reopen")},
    "/workers/restart": {"POST": Action("worker restart")},
    "/drain": {"POST": Action("drain", ("on",), _of_on)},
    "/shutdown": {"POST": Action("shutdown", ("mode",), _of_mode)},
    "/profile": {"POST": Action("profile", ("pid", "seconds"), _of_profile)},
}

#: By what stands around the PID in a path, such as /stacks/1234, which is the first word behind the command.
OF_WORKERS: Mapping[tuple[str, ...], Mapping[str, Action]] = {
    ("stacks",): _shown("stacks"),
    ("workers", "kill"): {"POST": Action("worker kill")},
    ("workers", "restart"): {"POST": Action("worker restart")},
}
