"""Inputs that are nearly right: specimens, bent a little, in pieces. The same seed makes the same inputs."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

LONGEST = 20000
NUMBERS = (
    b"0", b"1", b"00", b"-1", b"65535", b"65536", b"2147483648", b"4294967296", b"9223372036854775807",
    b"99999999999999999",
    b"9223372036854775808", b"18446744073709551615", b"18446744073709551616", b"FFFFFFFFFFFFFFFF", b"7fffffffffffffff",
    b"fffffffffffffff", b"1000000000000000", b"999999999999999999", b"1" * 60,
)
ODD = (0, 9, 10, 13, 32, 34, 35, 44, 58, 59, 61, 92, 127, 128, 255)
_DIGITS = re.compile(rb"[0-9]+")


class Mutator:
    """`next` makes the pieces of one input."""

    def __init__(self, specimens: Sequence[bytes], words: Sequence[bytes]) -> None:
        self.specimens = list(specimens)
        self.words = [*words, b"\r\n", b"\r\n\r\n", b" ", b":", b"\x00", b"\xff" * 9]
        self.random = random.Random()
        self.changes = (
            self.put_octet, self.put_octet, self.put_odd, self.insert, self.insert, self.replace, self.cut_out,
            self.repeat, self.truncate, self.splice, self.number, self.append,
        )

    def seed(self, seed: str) -> None:
        self.random.seed(seed)

    def below(self, limit: int) -> int:
        return int(self.random.random() * limit)

    def next(self) -> list[bytes]:
        below = self.below
        data = self.specimens[below(len(self.specimens))]
        for _ in range(below(4)):
            data = self.changes[below(12)](data, below(len(data) + 1))
        if len(data) > LONGEST:
            data = data[:LONGEST]
        pieces = below(4)
        if pieces == 0 or len(data) < 2:
            return [data]
        if pieces == 1 and len(data) < 200 and not below(8):
            return [data[index:index + 1] for index in range(len(data))]
        places = sorted(below(len(data)) for _ in range(pieces))
        return [piece for piece in map(data.__getitem__, map(slice, [0, *places], [*places, len(data)])) if piece]

    # Changes: each gets the octets and a place in them.

    def put_octet(self, data: bytes, place: int) -> bytes:
        return data[:place] + bytes((self.below(256),)) + data[place + 1:]

    def put_odd(self, data: bytes, place: int) -> bytes:
        return data[:place] + bytes((ODD[self.below(len(ODD))],)) + data[place + 1:]

    def insert(self, data: bytes, place: int) -> bytes:
        return data[:place] + self.words[self.below(len(self.words))] + data[place:]

    def replace(self, data: bytes, place: int) -> bytes:
        word = self.words[self.below(len(self.words))]
        return data[:place] + word + data[place + len(word):]

    def cut_out(self, data: bytes, place: int) -> bytes:
        return data[:place] + data[place + 1 + self.below(12):]

    def repeat(self, data: bytes, place: int) -> bytes:
        stop = place + 1 + self.below(40)
        return data[:place] + data[place:stop] * (2 + self.below(6)) + data[stop:]

    def truncate(self, data: bytes, place: int) -> bytes:
        return data[:place]

    def splice(self, data: bytes, place: int) -> bytes:
        other = self.specimens[self.below(len(self.specimens))]
        return data[:place] + other[self.below(len(other) + 1):]

    def number(self, data: bytes, place: int) -> bytes:
        found = _DIGITS.search(data, place) or _DIGITS.search(data)
        if found is None:
            return data
        return data[:found.start()] + NUMBERS[self.below(len(NUMBERS))] + data[found.end():]

    def append(self, data: bytes, place: int) -> bytes:
        return data + self.specimens[self.below(len(self.specimens))]
