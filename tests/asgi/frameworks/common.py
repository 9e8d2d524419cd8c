"""What the same application does in every framework; copied beside each of them."""

import asyncio
import hashlib

#: What tells a test of things that happen without an answer.
seen = {"started": False, "background": 0, "gone": 0}
room = set()


async def numbers():
    for number in range(10):
        yield b"%d\n" % number
        await asyncio.sleep(0)


async def events():
    for number in range(3):
        yield f"data: {number}\n\n".encode()
        await asyncio.sleep(0.01)


async def breaking():
    yield b"first"
    await asyncio.sleep(0.01)
    raise RuntimeError("on purpose, late")


async def endless():
    """Until the client leaves, which is noticed here."""
    try:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)
    finally:
        seen["gone"] += 1


async def background():
    await asyncio.sleep(0.05)
    seen["background"] += 1


class Digest:
    """Of a body that comes in parts."""

    def __init__(self):
        self.size, self.hash = 0, hashlib.sha256()

    def add(self, data):
        self.size += len(data)
        self.hash.update(data)

    def result(self):
        return {"size": self.size, "sha256": self.hash.hexdigest()}
