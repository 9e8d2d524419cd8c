"""Calls work in other processes, again and again: ``task_load.py KIND PLACE``, for tasks.py.

Answers each line ``CASE CALLERS SECONDS`` on standard input with a line of JSON: how long each call took, in
microseconds. Ends with standard input.
"""

import itertools
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

CALLERS = 16
PROCESSES = 2
ITEMS = 200
SIZES = {"call": 100, "1 MB": 1_000_000, "32 MB": 32_000_000}


def echo(value):
    return value


class Gunicorn:
    """Ours or the incumbent's, whichever this interpreter finds; one client a thread."""

    def __init__(self, place):
        from gunicorn.dirty import get_dirty_client, set_dirty_socket_path, stash

        set_dirty_socket_path(place)
        self.client, self.table = get_dirty_client, stash
        self.call(b"")
        stash.put("table", "key", "value")

    def call(self, value):
        return self.client().execute("task_app:Echo", "echo", value)

    def stash(self):
        self.table.get("table", "key")

    def stream(self):
        for _ in self.client().stream("task_app:Echo", "items", ITEMS):
            pass


class Executor:
    """The standard library's, which has neither a stash nor streams."""

    def __init__(self, place):
        self.pool = ProcessPoolExecutor(PROCESSES)
        list(self.pool.map(echo, range(100)))

    def call(self, value):
        return self.pool.submit(echo, value).result()


class Ray:
    """Actors, called without any of us; `place`: the address of the cluster."""

    def __init__(self, place):
        import ray

        @ray.remote(num_cpus=1)
        class Echo:
            def echo(self, value):
                return value

            def items(self, count):
                # Ray sends into what it is given.
                for number in range(count):  # noqa: UP028
                    yield number

        ray.init(address=place, log_to_driver=False, configure_logging=False)
        self.ray = ray
        self.actors = [Echo.remote() for _ in range(PROCESSES)]
        self.next = itertools.cycle(self.actors)
        for actor in self.actors:
            ray.get(actor.echo.remote(b""))

    def call(self, value):
        return self.ray.get(next(self.next).echo.remote(value))

    def stream(self):
        for item in next(self.next).items.options(num_returns="streaming").remote(ITEMS):
            self.ray.get(item)


KINDS = {"gunicorn": Gunicorn, "executor": Executor, "ray": Ray}


def one_of(subject, case):
    """What one turn of a case does, and how many operations that is."""
    if case in SIZES:
        value = b"x" * SIZES[case]
        return lambda: subject.call(value), 1
    return getattr(subject, case), ITEMS if case == "stream" else 1


def repeat(act, count, until):
    times = []
    while not times or time.perf_counter() < until:
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) / count * 1e6)
    return times


def main():
    subject = KINDS[sys.argv[1]](sys.argv[2])
    # Made once: what threads have used is not counted any more when they have ended.
    threads = ThreadPoolExecutor(CALLERS)
    list(threads.map(lambda _: time.sleep(0.05), range(CALLERS)))
    print("ready", flush=True)
    for line in sys.stdin:
        case, callers, seconds = json.loads(line)
        act, count = one_of(subject, case)
        until = time.perf_counter() + seconds
        found = threads.map(repeat, [act] * callers, [count] * callers, [until] * callers)
        print(json.dumps([round(each, 1) for times in found for each in times]), flush=True)


if __name__ == "__main__":
    main()
