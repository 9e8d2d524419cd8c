"""Frames as octets: what each says, whole, byte by byte and with octets behind; and what we write, we read."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gunicorn.wire import websocket
from gunicorn.wire.websocket import Deflate, Frames, WebSocketError, close_frame, control_frame, frame_header
from tests.wire.feeding import bytewise

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {websocket.PING: "ping", websocket.PONG: "pong"}
#: No octet of it is zero and none is another's, so that a wrong phase shows.
KEY = b"\x12\x34\x56\x78"
LIMIT = 70_000
AGREED = Deflate(True, True, 12, 15, "")
FORGETFUL = Deflate(False, False, 12, 15, "")

Event = tuple[object, ...]


def masked(data: bytes, key: bytes = KEY) -> bytes:
    repeated = (key * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(repeated)).to_bytes(len(data))


def header(opcode: int, length: int, *, final: bool = True, bits: int = 0, width: int | None = None) -> bytes:
    """The header of a client's frame up to its key; `width`: octets of an extended length, the shortest by default."""
    if width is None:
        width = 0 if length < 126 else 2 if length < 65536 else 8
    first = (0x80 if final else 0) | bits | opcode
    if width == 0:
        return bytes((first, 0x80 | length))
    return bytes((first, 0x80 | (126 if width == 2 else 127))) + length.to_bytes(width)


def frame(opcode: int, data: bytes = b"", *, final: bool = True, bits: int = 0, width: int | None = None) -> bytes:
    return header(opcode, len(data), final=final, bits=bits, width=width) + KEY + masked(data)


def parts(opcode: int, *pieces: bytes, bits: int = 0) -> bytes:
    """A message in fragments."""
    return b"".join(
        frame(CONTINUATION if place else opcode, piece, final=place == len(pieces) - 1, bits=0 if place else bits)
        for place, piece in enumerate(pieces)
    )


def feed(frames: Frames, pieces: Iterable[bytes]) -> list[Event]:
    """What comes of the octets; the last is ("error", code) or a close, behind which nothing is read."""
    events: list[Event] = []
    try:
        for piece in pieces:
            frames.receive(piece)
            while (event := frames.next_event()) != websocket.NEED_DATA:
                if event == websocket.CLOSE:
                    return [*events, ("close", frames.code, frames.reason)]
                name = NAMES.get(event) or ("text" if isinstance(frames.data, str) else "binary")
                events.append((name, frames.data))
    except WebSocketError as error:
        events.append(("error", error.code))
    return events


class Specimen(NamedTuple):
    """`whole`: nothing of the octets is left without an event, so that another frame may follow."""

    octets: bytes
    events: tuple[Event, ...]
    deflate: Deflate | None = None
    limit: int = LIMIT
    whole: bool = True


def good(octets: bytes, *events: Event, deflate: Deflate | None = None, limit: int = LIMIT) -> Specimen:
    return Specimen(octets, events, deflate, limit)


def open_(octets: bytes, *events: Event, deflate: Deflate | None = None, limit: int = LIMIT) -> Specimen:
    """More octets are needed."""
    return Specimen(octets, events, deflate, limit, whole=False)


def bad(code: int, octets: bytes, *events: Event, deflate: Deflate | None = None, limit: int = LIMIT) -> Specimen:
    return Specimen(octets, (*events, ("error", code)), deflate, limit)


def closes(code: int, reason: str, data: bytes, *events: Event) -> Specimen:
    return Specimen(frame(CLOSE, data), (*events, ("close", code, reason)))


def of_rfc(data: str) -> bytes:
    return bytes.fromhex(data)


KOSME = "κόσμε"
RFC = {
    # RFC 6455 section 5.7
    "a masked text": good(of_rfc("81 85 37 fa 21 3d 7f 9f 4d 51 58"), ("text", "Hello")),
    "a masked pong": good(of_rfc("8a 85 37 fa 21 3d 7f 9f 4d 51 58"), ("pong", b"Hello")),
    "an unmasked text": bad(1002, of_rfc("81 05 48 65 6c 6c 6f")),
    "a fragmented text": good(parts(TEXT, b"Hel", b"lo"), ("text", "Hello")),
    # RFC 7692 sections 7.2.3.1 to 7.2.3.6
    "one block": good(frame(TEXT, of_rfc("f2 48 cd c9 c9 07 00"), bits=0x40), ("text", "Hello"), deflate=AGREED),
    "fragments of a block": good(
        parts(TEXT, of_rfc("f2 48 cd"), of_rfc("c9 c9 07 00"), bits=0x40), ("text", "Hello"), deflate=AGREED),
    "a shared window": good(
        frame(TEXT, of_rfc("f2 48 cd c9 c9 07 00"), bits=0x40) + frame(TEXT, of_rfc("f2 00 11 00 00"), bits=0x40),
        ("text", "Hello"), ("text", "Hello"), deflate=AGREED),
    "a block without compression": good(
        frame(TEXT, of_rfc("00 05 00 fa ff 48 65 6c 6c 6f 00"), bits=0x40), ("text", "Hello"), deflate=AGREED),
    "a final block": good(
        frame(TEXT, of_rfc("f3 48 cd c9 c9 07 00 00"), bits=0x40), ("text", "Hello"), deflate=AGREED),
    "two blocks": good(
        frame(TEXT, of_rfc("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), bits=0x40), ("text", "Hello"), deflate=AGREED),
    "an empty message": good(frame(TEXT, b"\x00", bits=0x40), ("text", ""), deflate=AGREED),
}
LENGTHS = {
    **{f"{size} octets": good(frame(BINARY, b"x" * size), ("binary", b"x" * size))
       for size in (0, 1, 125, 126, 127, 65535, 65536, 65537)},
    **{f"{size} octets of text": good(frame(TEXT, b"x" * size), ("text", "x" * size)) for size in (0, 125, 126, 65536)},
    **{f"{size} written in two octets": bad(1002, header(BINARY, size, width=2) + KEY) for size in (0, 1, 125)},
    **{f"{size} written in eight octets": bad(1002, header(BINARY, size, width=8) + KEY)
       for size in (0, 125, 126, 127, 65535)},
    "126 written in two octets": open_(header(BINARY, 126, width=2) + KEY),
    "65536 written in eight octets": open_(header(BINARY, 65536, width=8) + KEY),
    "2**62 - 1": bad(1009, header(BINARY, 2**62 - 1) + KEY),
    "2**62 - 1 without a limit": open_(header(BINARY, 2**62 - 1) + KEY, limit=0),
    "2**62": bad(1002, header(BINARY, 2**62) + KEY, limit=0),
    "2**63 - 1": bad(1002, header(BINARY, 2**63 - 1) + KEY, limit=0),
    "2**63": bad(1002, header(BINARY, 2**63) + KEY, limit=0),
    "2**64 - 1": bad(1002, header(BINARY, 2**64 - 1) + KEY),
    "the limit": good(frame(BINARY, b"x" * 10), ("binary", b"x" * 10), limit=10),
    "more than the limit, before it comes": bad(1009, header(BINARY, 11) + KEY, limit=10),
    "the limit in fragments": good(parts(BINARY, b"x" * 9, b"x", b""), ("binary", b"x" * 10), limit=10),
    "more than the limit in fragments": bad(1009, parts(BINARY, b"x" * 9, b"xx"), limit=10),
    "control frames do not count": good(
        frame(BINARY, b"x" * 5, final=False) + frame(PING, b"p" * 100) + frame(CONTINUATION, b"x" * 5),
        ("ping", b"p" * 100), ("binary", b"x" * 10), limit=10),
    "each message counts for itself": good(
        frame(BINARY, b"x" * 10) * 3, *[("binary", b"x" * 10)] * 3, limit=10),
}
HEADERS = {
    **{f"reserved bit {bits:#x} of opcode {opcode}": bad(1002, frame(opcode, b"", bits=bits))
       for bits in (0x10, 0x20, 0x40, 0x70) for opcode in (TEXT, BINARY, CLOSE, PING, PONG)},
    **{f"reserved bit {bits:#x} of a continuation": bad(
        1002, frame(TEXT, b"a", final=False) + frame(CONTINUATION, b"b", bits=bits), deflate=AGREED)
       for bits in (0x10, 0x20, 0x40)},
    **{f"compressed control frame {opcode}": bad(1002, frame(opcode, b"", bits=0x40), deflate=AGREED)
       for opcode in (CLOSE, PING, PONG)},
    **{f"reserved opcode {opcode}": bad(1002, frame(opcode, b"x")) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"a fragmented control frame {opcode}": bad(1002, frame(opcode, b"x", final=False))
       for opcode in (CLOSE, PING, PONG)},
    **{f"control frame {opcode} of {size} octets": bad(1002, frame(opcode, b"x" * size))
       for opcode in (CLOSE, PING, PONG) for size in (126, 127, 65536)},
    **{f"no mask on opcode {opcode}": bad(1002, bytes((0x80 | opcode, 1)) + b"x")
       for opcode in (TEXT, BINARY, CLOSE, PING, PONG)},
    "no mask on a continuation": bad(1002, frame(TEXT, b"a", final=False) + b"\x80\x01b"),
    "no mask, no content": bad(1002, b"\x81\x00"),
    "a key of zeros": good(b"\x81\x82\0\0\0\0ab", ("text", "ab")),
    "one octet": open_(b"\x81"),
    "a header without its key": open_(b"\x81\x81\x12\x34\x56"),
    "a header without its length": open_(b"\x81\xfe\x01"),
    "a frame without its last octet": open_(frame(TEXT, b"abc")[:-1]),
    "a ping without its last octet": open_(frame(PING, b"abc")[:-1]),
    "a close without its last octet": open_(frame(CLOSE, b"\x03\xe8abc")[:-1]),
}
MESSAGES = {
    "several": good(
        frame(TEXT, b"a") + frame(BINARY, b"b") + frame(TEXT, b""), ("text", "a"), ("binary", b"b"), ("text", "")),
    "pings and pongs": good(
        frame(PING) + frame(PING, b"p" * 125) + frame(PONG, b"q"), ("ping", b""), ("ping", b"p" * 125), ("pong", b"q")),
    "three fragments": good(parts(BINARY, b"ab", b"c", b"def"), ("binary", b"abcdef")),
    "empty fragments": good(parts(TEXT, b"", b"", b"a", b""), ("text", "a")),
    "nothing in fragments": good(parts(TEXT, b"", b""), ("text", "")),
    "control frames between": good(
        frame(TEXT, b"a", final=False) + frame(PING, b"1") + frame(CONTINUATION, b"b", final=False) + frame(PONG, b"2")
        + frame(CONTINUATION, b"c"),
        ("ping", b"1"), ("pong", b"2"), ("text", "abc")),
    "a close between": Specimen(
        frame(TEXT, b"a", final=False) + frame(CLOSE, b"\x03\xe8"), (("close", 1000, ""),)),
    "an error behind a message": bad(1002, frame(TEXT, b"a") + frame(3, b"b"), ("text", "a")),
    "an error between fragments": bad(
        1002, frame(TEXT, b"a", final=False) + frame(PING, b"p") + frame(PING, b"q", final=False), ("ping", b"p")),
    "there is no message to continue": bad(1002, frame(CONTINUATION, b"a")),
    "a continuation behind a message": bad(1002, parts(TEXT, b"a", b"b") + frame(CONTINUATION, b"c"), ("text", "ab")),
    "a text within a text": bad(1002, frame(TEXT, b"a", final=False) + frame(TEXT, b"b")),
    "a binary within a text": bad(1002, frame(TEXT, b"a", final=False) + frame(BINARY, b"b", final=False)),
    "an empty message within another": bad(1002, frame(BINARY, b"", final=False) + frame(BINARY, b"")),
    "half a message": open_(frame(TEXT, b"abc", final=False)),
}
VALID_TEXT = ["", "a", KOSME, "\0", "\x7f\x80", "\u07ff\u0800", "\ud7ff\ue000", "\ufeffa", "\ufffe\uffff", "\U00010000",
              "\U0010ffff", "\u2028"]
#: What is no UTF-8 (RFC 3629), and after how many octets that is found. Python waits for the third of a surrogate,
#: since one of its error handlers lets those pass.
INVALID_TEXT = {
    "a continuation octet": (b"\x80", 1), "0xff": (b"a\xff", 2), "0xfe": (b"\xfe\xfe", 1),
    "two octets for one": (b"\xc0\x80", 1), "two octets for another": (b"\xc1\xbf", 1),
    "three octets for two": (b"\xe0\x9f\xbf", 2), "four octets for three": (b"\xf0\x8f\xbf\xbf", 2),
    "a surrogate": (b"\xed\xa0\x80", 3), "a pair of surrogates": (b"\xed\xa0\xbd\xed\xb8\x80", 3),
    "beyond the last": (b"\xf4\x90\x80\x80", 2), "five octets": (b"\xf8\x88\x80\x80\x80", 1),
    "a start within": (b"\xe2\x98a", 3), "much later": ("é".encode() * 50 + b"\xff", 101),
}
UNFINISHED_TEXT = [b"\xe2", b"\xe2\x98", b"\xf0\x9f\x98", KOSME.encode()[:-1]]
UTF8 = {
    **{f"text {text!a}": good(frame(TEXT, text.encode()), ("text", text)) for text in VALID_TEXT},
    **{f"text {text!a}, an octet a frame": good(parts(TEXT, *bytewise(text.encode()), b""), ("text", text))
       for text in VALID_TEXT},
    **{name: bad(1007, frame(TEXT, octets)) for name, (octets, _) in INVALID_TEXT.items()},
    **{f"{name}, an octet a frame": bad(1007, parts(TEXT, *bytewise(octets), b"more"))
       for name, (octets, _) in INVALID_TEXT.items()},
    **{f"{name}, before the frame is whole": bad(1007, header(TEXT, 1000) + KEY + masked(octets[:found]))
       for name, (octets, found) in INVALID_TEXT.items()},
    **{f"{name}, not found yet": open_(header(TEXT, 1000) + KEY + masked(octets[:found - 1]))
       for name, (octets, found) in INVALID_TEXT.items()},
    **{f"unfinished {octets.hex()}": bad(1007, frame(TEXT, octets)) for octets in UNFINISHED_TEXT},
    **{f"unfinished {octets.hex()} in fragments": bad(1007, parts(TEXT, octets, b"")) for octets in UNFINISHED_TEXT},
    **{f"unfinished {octets.hex()}, going on": open_(frame(TEXT, octets, final=False)) for octets in UNFINISHED_TEXT},
    **{f"binary, {name}": good(frame(BINARY, octets), ("binary", octets))
       for name, (octets, _) in INVALID_TEXT.items()},
}
CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
NO_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 2000, 2999, 5000, 32768, 65535)
CLOSES = {
    "nothing": closes(1005, "", b""),
    "half a code": bad(1002, frame(CLOSE, b"\x03")),
    **{f"code {code}": closes(code, "", code.to_bytes(2)) for code in CODES},
    **{f"code {code} with a reason": closes(code, "why", code.to_bytes(2) + b"why") for code in CODES},
    **{f"no code {code}": bad(1002, frame(CLOSE, code.to_bytes(2))) for code in NO_CODES},
    "the longest reason": closes(1000, "r" * 123, b"\x03\xe8" + b"r" * 123),
    "a reason of other characters": closes(1000, KOSME, b"\x03\xe8" + KOSME.encode()),
    **{f"a reason with {name}": bad(1007, frame(CLOSE, b"\x03\xe8" + octets))
       for name, (octets, _) in INVALID_TEXT.items() if len(octets) < 100},
    **{f"a reason, unfinished {octets.hex()}": bad(1007, frame(CLOSE, b"\x03\xe8" + octets))
       for octets in UNFINISHED_TEXT},
    "behind a message": Specimen(frame(TEXT, b"a") + frame(CLOSE), (("text", "a"), ("close", 1005, ""))),
}


def packed(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-12)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


COMPRESSED = {
    "not compressed all the same": good(frame(TEXT, b"plain"), ("text", "plain"), deflate=AGREED),
    "a ping between": good(
        frame(BINARY, packed(b"a" * 99)[:3], final=False, bits=0x40) + frame(PING, b"p")
        + frame(CONTINUATION, packed(b"a" * 99)[3:]),
        ("ping", b"p"), ("binary", b"a" * 99), deflate=AGREED),
    "fragments with nothing at the end": good(
        parts(BINARY, packed(b"a" * 99), b"", bits=0x40), ("binary", b"a" * 99), deflate=AGREED),
    "a window that nobody keeps": good(
        frame(BINARY, packed(b"a" * 99), bits=0x40) * 2, ("binary", b"a" * 99), ("binary", b"a" * 99),
        deflate=FORGETFUL),
    "a look back into a window that nobody keeps": bad(
        1002, frame(TEXT, of_rfc("f2 48 cd c9 c9 07 00"), bits=0x40) + frame(TEXT, of_rfc("f2 00 11 00 00"), bits=0x40),
        ("text", "Hello"), deflate=FORGETFUL),
    "what is no deflate": bad(1002, frame(BINARY, b"\xff\xff\xff", bits=0x40), deflate=AGREED),
    "what is no deflate in fragments": bad(1002, parts(BINARY, b"\xff", b"\xff", bits=0x40), deflate=AGREED),
    "no UTF-8": bad(1007, frame(TEXT, packed(b"ab\xff"), bits=0x40), deflate=AGREED),
    "no UTF-8 in fragments": bad(1007, parts(TEXT, packed(b"ab\xff"), b"", bits=0x40), deflate=AGREED),
    "the limit": good(frame(BINARY, packed(b"\0" * LIMIT), bits=0x40), ("binary", b"\0" * LIMIT), deflate=AGREED),
    "more than the limit": bad(1009, frame(BINARY, packed(b"\0" * (LIMIT + 1)), bits=0x40), deflate=AGREED),
    "far more than the limit": bad(1009, frame(BINARY, packed(b"\0" * (LIMIT * 100)), bits=0x40), deflate=AGREED),
    "far more, in fragments": bad(
        1009, parts(BINARY, *bytewise(packed(b"\0" * (LIMIT * 100))), bits=0x40), deflate=AGREED),
}
TABLES = {
    "rfc": RFC, "length": LENGTHS, "header": HEADERS, "message": MESSAGES, "utf8": UTF8, "close": CLOSES,
    "deflate": COMPRESSED,
}
SPECIMENS = [
    pytest.param(specimen, id=f"{table}:{name}") for table, specimens in TABLES.items()
    for name, specimen in specimens.items()
]
SHORT = [each for each in SPECIMENS if len(each.values[0].octets) < 200]  # type: ignore[union-attr]


@pytest.mark.parametrize("specimen", SPECIMENS)
def test_whole(specimen: Specimen) -> None:
    frames = Frames(specimen.limit, specimen.deflate)
    assert feed(frames, [specimen.octets]) == list(specimen.events)
    if specimen.whole and specimen.events[-1][0] not in ("error", "close"):
        assert not frames.is_pending()


@pytest.mark.parametrize("specimen", SPECIMENS)
def test_byte_by_byte(specimen: Specimen) -> None:
    assert feed(Frames(specimen.limit, specimen.deflate), bytewise(specimen.octets)) == list(specimen.events)


@pytest.mark.parametrize("specimen", SHORT)
def test_cut_anywhere(specimen: Specimen) -> None:
    octets = specimen.octets
    for place in range(1, len(octets)):
        found = feed(Frames(specimen.limit, specimen.deflate), [octets[:place], b"", octets[place:]])
        assert found == list(specimen.events), place


@pytest.mark.parametrize("specimen", [each for each in SPECIMENS if each.values[0].whole])  # type: ignore[union-attr]
def test_with_octets_behind(specimen: Specimen) -> None:
    ended = specimen.events[-1][0] in ("error", "close")
    behind = frame(PING, b"behind") + frame(TEXT, b"and on")[:-1]
    more = [] if ended else [("ping", b"behind")]
    frames = Frames(specimen.limit, specimen.deflate)
    assert feed(frames, [specimen.octets + behind]) == [*specimen.events, *more]
    if specimen.events[-1][0] == "close":
        assert frames.is_pending()
    assert feed(Frames(specimen.limit, specimen.deflate), bytewise(specimen.octets + behind)) == [
        *specimen.events, *more]


# What we write.


@pytest.mark.parametrize(
    ("length", "octets"),
    [
        (0, "82 00"), (1, "82 01"), (125, "82 7d"), (126, "82 7e 00 7e"), (127, "82 7e 00 7f"), (256, "82 7e 01 00"),
        (65535, "82 7e ff ff"), (65536, "82 7f 00 00 00 00 00 01 00 00"), (65537, "82 7f 00 00 00 00 00 01 00 01"),
        (2**32, "82 7f 00 00 00 01 00 00 00 00"), (2**62, "82 7f 40 00 00 00 00 00 00 00"),
    ],
)
def test_headers_are_as_short_as_they_can_be(length: int, octets: str) -> None:
    assert frame_header(BINARY, length, 0) == of_rfc(octets)


def test_the_first_octet_of_a_header() -> None:
    assert [frame_header(opcode, 0, 0)[0] for opcode in (TEXT, BINARY, CLOSE, PING, PONG)] == [
        0x81, 0x82, 0x88, 0x89, 0x8A]
    assert frame_header(TEXT, 0, 0x40) == b"\xc1\x00"


@pytest.mark.parametrize(
    ("code", "reason", "payload"),
    [
        (1005, "", b""), (1005, "is not sent", b""), (1000, "", b"\x03\xe8"), (4999, "why", b"\x13\x87why"),
        (1000, "r" * 123, b"\x03\xe8" + b"r" * 123), (1000, "r" * 124, b"\x03\xe8" + b"r" * 123),
        (1000, "r" * 122 + "é", b"\x03\xe8" + b"r" * 122),
        (1000, "r" * 121 + "é", b"\x03\xe8" + b"r" * 121 + b"\xc3\xa9"),
        (1000, "r" * 120 + "\U0001f600", b"\x03\xe8" + b"r" * 120), (1011, "\ud800!", b"\x03\xf3?!"),
    ],
)  # fmt: skip
def test_close_frames(code: int, reason: str, payload: bytes) -> None:
    assert close_frame(code, reason) == bytes((0x88, len(payload))) + payload


@pytest.mark.parametrize("size", [0, 1, 125])
def test_control_frames(size: int) -> None:
    assert control_frame(PONG, b"x" * size) == bytes((0x8A, size)) + b"x" * size


def test_close_codes() -> None:
    assert [code for code in range(65536) if websocket.is_close_code(code)] == [
        1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)]


def of_client(octets: bytes) -> bytes:
    """A frame of the server's as a client would send it."""
    width = {126: 2, 127: 8}.get(octets[1], 0)
    start = 2 + width
    return bytes((octets[0], octets[1] | 0x80)) + octets[2:start] + KEY + masked(octets[start:])


@pytest.mark.parametrize("keeps", [False, True])
def test_who_forgets_looks_back_at_nothing(keeps: bool) -> None:
    writer = Frames(0, Deflate(keeps, True, 12, 15, ""))
    data = bytes(range(200))
    (first, packed_first), (second, packed_second) = writer.message(BINARY, data), writer.message(BINARY, data)
    assert first[0] == second[0] == 0xC2
    assert (packed_second == packed_first) != keeps
    assert zlib.decompressobj(-12).decompress(packed_first + b"\0\0\xff\xff") == data


@pytest.mark.parametrize(("size", "first"), [(63, 0x82), (64, 0xC2)])
def test_small_messages_are_not_compressed(size: int, first: int) -> None:
    header, data = Frames(0, AGREED).message(BINARY, b"x" * size)
    assert header[0] == first
    assert (data == b"x" * size) == (first == 0x82)


def mirrored(deflate: Deflate | None) -> Deflate | None:
    """What the other side has agreed to."""
    if deflate is None:
        return None
    return Deflate(deflate.client_keeps, deflate.server_keeps, deflate.client_bits, deflate.server_bits, "")


DEFLATES = st.one_of(
    st.none(), st.builds(Deflate, st.booleans(), st.booleans(), st.integers(9, 15), st.integers(9, 15), st.just("")))
SIZED = st.builds(lambda piece, times: piece * times, st.binary(max_size=9), st.sampled_from([1, 2, 14, 63, 64, 9000]))
SAID = st.lists(
    st.one_of(st.tuples(st.just("text"), st.text(max_size=200)), st.tuples(st.just("binary"), SIZED)), max_size=6)
CUTS = st.lists(st.integers(0, 2**20), max_size=6)


def cut(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(place % (len(octets) + 1) for place in cuts)
    return [octets[start:stop] for start, stop in zip([0, *places], [*places, len(octets)], strict=True)]


@settings(max_examples=200)
@given(SAID, DEFLATES, CUTS)
def test_what_we_write_we_read(said: list[tuple[str, str | bytes]], deflate: Deflate | None, cuts: list[int]) -> None:
    writer = Frames(0, deflate)
    octets = b""
    for kind, data in said:
        payload = data.encode() if isinstance(data, str) else data
        octets += of_client(b"".join(writer.message(TEXT if kind == "text" else BINARY, payload)))
    assert feed(Frames(0, mirrored(deflate)), cut(octets, cuts)) == said


PAYLOADS = st.one_of(
    st.binary(max_size=6), st.text(max_size=4).map(str.encode),
    st.sampled_from([b"\xe2\x98", b"\x83", b"\x03\xe8", packed(b"ab" * 9)]),
)
FRAMES = st.builds(
    frame, st.sampled_from([0, 0, 0, 1, 1, 2, 2, 8, 9, 10, 3, 11]), PAYLOADS,
    final=st.sampled_from([True, True, False]), bits=st.sampled_from([0, 0, 0, 0x40, 0x40, 0x20]))


@settings(max_examples=300)
@given(st.lists(st.one_of(FRAMES, FRAMES, FRAMES, st.binary(max_size=3)), max_size=8).map(b"".join), CUTS)
@example(parts(TEXT, b"\xe2", b"\x98", b"\x83"), [])
def test_what_is_refused_whole_is_refused_byte_by_byte(octets: bytes, cuts: list[int]) -> None:
    for limit in (0, 12):
        whole = feed(Frames(limit), [octets])
        assert feed(Frames(limit), bytewise(octets)) == whole
        assert feed(Frames(limit), cut(octets, cuts)) == whole
        # Compressed, a message may be too big and no text: which of them is found first is a matter of the pieces.
        packed_whole = feed(Frames(limit, AGREED), [octets])
        packed_bytewise = feed(Frames(limit, AGREED), bytewise(octets))
        if packed_whole and packed_whole[-1][0] == "error":
            assert packed_bytewise[-1][0] == "error"
            assert packed_bytewise[:-1] == packed_whole[:-1]
        else:
            assert packed_bytewise == packed_whole
