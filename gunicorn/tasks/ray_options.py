"""What an actor of Ray asks of the node that it is to run on: what its applications say, taken together.

An application says it by its class attribute `ray_options`. Several applications share an actor: what each of them
keeps for itself (a GPU or a share of one, memory, a resource with a name) is added up; of processors, which they use by
turns, it is the most that one of them wants.
"""

from __future__ import annotations

from functools import partial

from .errors import DirtyAppError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Options = dict[str, object]
    Resources = Mapping[str, float]

__all__ = ["KNOWN", "amounts_of", "check_options", "missing", "together"]

_NUMBERS = ("num_cpus", "num_gpus", "memory")
_TEXTS = ("accelerator_type", "scheduling_strategy")
_TABLES = ("resources", "label_selector")
_EVENTS = "enable_task_events"

KNOWN = (*_NUMBERS, *_TEXTS, *_TABLES, _EVENTS)
"""What `ray_options` may say. How many calls run at a time is `dirty_threads`; what becomes of an actor that dies, and
of the call in it, is the pool's affair."""

# As Ray calls them where it tells what a node has.
_RESOURCES = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}


def check_options(path: str, options: object) -> Options:
    """What the class at `path` says, as a dict. Raises DirtyAppError."""
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise DirtyAppError(f"{path}: ray_options is a dict, not {type(options).__name__}", app_path=path)
    for name, value in options.items():
        if name not in KNOWN:
            text = f"{path}: ray_options has no {name!r}; there are {', '.join(KNOWN)}"
            raise DirtyAppError(text, app_path=path)
        is_right, expected = _RULES[name]
        if not is_right(value):
            raise DirtyAppError(f"{path}: {name} of ray_options is {expected}, not {value!r}", app_path=path)
    return dict(options)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_table_of(is_right: Callable[[object], bool], value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value)) and all(map(is_right, value.values()))


# What the value of an option is to be, as a function and in words.
_RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(_NUMBERS, (_is_amount, "a number that is not negative")),
    **dict.fromkeys(_TEXTS, (_is_text, "a text")),
    "resources": (partial(_is_table_of, _is_amount), "a dict of numbers that are not negative, with texts for keys"),
    "label_selector": (partial(_is_table_of, _is_text), "a dict of texts, with texts for keys"),
    _EVENTS: (lambda value: isinstance(value, bool), "True or False"),
}


def together(all_options: Iterable[Options]) -> Options:
    """What one actor asks for that has several applications. Those that say nothing want one processor."""
    found: Options = {}
    resources: dict[str, float] = {}
    for options in all_options:
        cpus = options.get("num_cpus", 1)
        found["num_cpus"] = max(_number(cpus), _number(found.get("num_cpus", 0)))
        for name in ("num_gpus", "memory"):
            if name in options:
                found[name] = _number(found.get(name, 0)) + _number(options[name])
        for name, amount in _table(options.get("resources")).items():
            resources[name] = resources.get(name, 0) + _number(amount)
        found.update({name: options[name] for name in _TEXTS if name in options})
        found[_EVENTS] = bool(found.get(_EVENTS) or options.get(_EVENTS))
        if "label_selector" in options:
            found["label_selector"] = {**_table(found.get("label_selector")), **_table(options["label_selector"])}
    found.setdefault("num_cpus", 1)
    # What Ray keeps of each call is a seventh of the time of a short one; what there is to see of calls is seen here.
    found.setdefault(_EVENTS, False)
    if resources:
        found["resources"] = resources
    # So that the end of a node is not the end of all.
    found.setdefault("scheduling_strategy", "SPREAD")
    return found


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def amounts_of(options: Options) -> dict[str, float]:
    """How much of each resource these options ask for, by the names that nodes have for them."""
    found = {_RESOURCES[name]: _number(options[name]) for name in _NUMBERS if name in options}
    found.update({name: _number(amount) for name, amount in _table(options.get("resources")).items()})
    return {name: amount for name, amount in found.items() if amount}


def missing(options: Options, nodes: Iterable[Resources]) -> str:
    """What an actor with these options waits for in vain, since no node has it, whoever uses it now; empty: nothing."""
    wanted = amounts_of(options)
    all_nodes = list(nodes)
    if any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in all_nodes):
        return ""
    lacks = [
        f"{name} {amount:g} (the most of a node is {max((node.get(name, 0) for node in all_nodes), default=0):g})"
        for name, amount in wanted.items() if not any(node.get(name, 0) >= amount for node in all_nodes)
    ]
    return ", ".join(lacks) or f"{', '.join(f'{name} {amount:g}' for name, amount in wanted.items())} on one node"
