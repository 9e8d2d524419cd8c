"""The leaves answer or raise for any octets and any integers, both builds the same, and never with octets of others."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms
from tests.support.twins import EDGES

SPECIMENS = [b"", b"a", b"GET / HTTP/1.1", bytes(range(256)), b"value of a field\tand more\x00", b"~" * 100,
b"\xff" * 40]
WORDS = [b"\x7f", b"\x1f", b"\x20", b"abcdefgh", b"\x80" * 8]
MASK = (1 << 64) - 1


def make(rooms: Rooms) -> Any:
    spans, masking, http2 = rooms("http._octets"), rooms("wire._masking"), rooms("wire._http2")
    tasks, not_a_frame = rooms("tasks._octets"), rooms("tasks.errors").DirtyProtocolError
    runs = (spans.token_end, spans.path_end, spans.query_end, spans.value_end)
    refused = (ValueError, OverflowError)

    def run(pieces: list[bytes], choice: int) -> object:
        data = b"".join(pieces)
        size = len(data)
        # Mostly near the octets, sometimes anywhere.
        start = EDGES[choice % len(EDGES)] if choice & 3 == 0 else (choice >> 2) % (size + 9) - 4
        end = EDGES[choice // 7 % len(EDGES)] if choice & 12 == 0 else (choice >> 5) % (size + 9) - 4
        found: list[object] = [spans.joined(pieces)]
        try:
            for each in runs:
                place = each(data, start, end)
                assert 0 <= place <= size
                found.append(place)
            part = spans.octets(data, start, end)
            assert part == data[max(start, 0):max(end, 0)]
            text = spans.text(data, start, end)
            assert text == part.decode("latin-1")
            found += (part, spans.is_at(part, data, start, end), spans.text_again(text, data, start, end),
                      spans.text_again("abc", data, start, end), spans.is_plain(text))
            found.append(masking.unmask(data, start, end, b"\1\2\3\4", choice - 9))
            found.append(http2.frame_head(abs(start), choice & 255, end & 255, abs(choice)))
            found.append(http2.huffman(data, start, end))
            found.append(tasks.head(choice & 15, abs(choice) & MASK, end & 255, choice & 7, start & 7))
            found.append(tasks.framed(choice & 15, abs(choice) & MASK, part, data, choice & 7, 0.5))
        except refused as error:
            found.append(isinstance(error, OverflowError))
        # Only the compiled one knows values: it answers, or leaves them to others.
        try:
            value = tasks.decoded(data, start % (size + 1))
            assert value is None or value[1] <= size
        except UnicodeDecodeError:
            assert data
        try:
            frames, place, missing = tasks.frames(b"\1\0\0\0" + data, lambda: 1000)
            found += [[(each.kind, each.target, each.payload) for each in frames], place, missing]
        except not_a_frame:
            found.append("no frame")
        return found

    return run
