"""Servers with task processes for the tests, and the applications that they have."""

from __future__ import annotations

import re

from tests.support.server import Server, children_of

TASKS = """
import asyncio, os, sys, threading, time
from gunicorn.dirty import DirtyApp, cancelled, stash

class T(DirtyApp):
    def init(self):
        self.count = 0
        self.ended = []
        self.main = threading.current_thread() is threading.main_thread()
    def close(self):
        with open("closed", "a") as file:
            file.write(f"{os.getpid()}\\n")
    def echo(self, *args, **kwargs):
        return [list(args), kwargs]
    def pid(self):
        return os.getpid()
    def where(self):
        return [self.main, threading.current_thread().name]
    def fail(self, name, *args):
        raise {"KeyError": KeyError, "KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit,
               "GeneratorExit": GeneratorExit, "MemoryError": MemoryError}[name](*args)
    def die(self):
        os.kill(os.getpid(), 9)
    def add(self):
        self.count += 1
        return self.count
    def sleep(self, seconds):
        self.count += 1
        with open("sleeping", "w"):
            pass
        time.sleep(seconds)
        return os.getpid()
    def until_cancelled(self):
        with open("waiting", "w"):
            pass
        while not cancelled():
            time.sleep(0.005)
        self.ended.append("cancelled")
    def what_ended(self):
        return [os.getpid(), self.ended]
    def items(self, count, seconds=0.0, error_at=None):
        try:
            for number in range(count):
                if number == error_at:
                    raise ValueError("in the middle")
                time.sleep(seconds)
                self.count = number
                yield number
        except GeneratorExit:
            self.ended.append("closed")
            raise
    async def items_async(self, count):
        try:
            for number in range(count):
                await asyncio.sleep(0)
                yield number
        finally:
            self.ended.append("async closed")
    async def twice(self, value):
        await asyncio.sleep(0.001)
        return value * 2
    async def for_ever(self):
        try:
            await asyncio.sleep(3600)
        finally:
            self.ended.append("async cancelled")
    def returns(self, name):
        return {"set": {1}, "tuple": (1, (2,)), "big": 2**100, "object": object()}[name]
    def child(self):
        pid = os.fork()
        if not pid:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    def from_stash(self, key):
        return stash.get("shared", key)
    def returns_long(self, size):
        return "x" * size
    def environment(self, name):
        return os.environ.get(name)

class One(DirtyApp):
    workers = 1
    def pid(self):
        return os.getpid()

class Duck:
    def init(self): pass
    def close(self): pass
    def __call__(self, action, *args):
        return [action, *args]
"""

ARGS = ("--dirty-app", "tasks:T", "--dirty-app", "tasks:One", "--dirty-app", "tasks:Duck")
AT = re.compile(r"Task processes are led by a process of its own \(pid:(\d+)\), at (\S+)")

#: Where tasks run in actors.
READY = re.compile(r"Task process (\d+) is ready: actor \w+ \(pid:(\d+)\)")
GONE = re.compile(r"Task process (\d+) has ended")


def write_tasks(server: Server, source: str = TASKS) -> Server:
    """Put the module `tasks` into the folder of a server that is not started yet."""
    (server.folder / "tasks.py").write_text(source)
    return server


def socket_of(server: Server) -> str:
    """Where the pool of a server is reached, as soon as it says so."""
    return server.wait_for_log(AT.pattern)[2]


def master_of(server: Server) -> int:
    """The process that leads the tasks now."""
    server.wait_for_log(AT.pattern)
    return int(AT.findall(server.log())[-1][0])


def processes_of(server: Server) -> list[int]:
    """The living task processes; of actors those that were ready once."""
    if "ray" not in server.args:
        return children_of(master_of(server))
    gone = set(GONE.findall(server.log()))
    return [int(pid) for place, pid in READY.findall(server.log()) if place not in gone]
