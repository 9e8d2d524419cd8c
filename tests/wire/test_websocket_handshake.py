"""The opening handshake as octets: who asks for a WebSocket, what is answered, and what is agreed on."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.protocol import REQUEST
from gunicorn.wire.websocket_handshake import (
    agree_on_deflate,
    asks_for_websocket,
    check_handshake,
    offered_subprotocols,
)
from tests.support.frames import ACCEPT, TEXT, frame, handshake
from tests.wire.feeding import bytewise

#: A whole frame and a half: octets that may come with the handshake and are no part of it.
BEHIND = frame(TEXT, b"early") + b"\x81"


def read(pieces: Iterable[bytes]) -> tuple[Request, bytes]:
    """The request, and what was sent behind it. Raises `HTTPError`."""
    protocol = HTTP1(FieldTable(Limits()))
    request, behind = None, []
    for piece in pieces:
        if request is not None:
            behind.append(piece)
            continue
        protocol.receive(piece)
        if protocol.next_event() == REQUEST:
            request = protocol.request
            behind.append(protocol.buffer[protocol.position:])
    assert request is not None
    return request, b"".join(behind)


def outcome(pieces: Iterable[bytes]) -> object:
    """None where nobody asks for a WebSocket; the value of Sec-WebSocket-Accept; or the status of the refusal."""
    try:
        request, _ = read(pieces)
        return check_handshake(request).decode() if asks_for_websocket(request) else None
    except HTTPError as error:
        return error.status


def changed(old: str, new: str) -> bytes:
    octets = handshake()
    assert octets.count(old.encode()) == 1
    return octets.replace(old.encode(), new.encode())


UPGRADE, CONNECTION = "Upgrade: websocket", "Connection: keep-alive, Upgrade"
KEY_OF_ONES = "AQEBAQEBAQEBAQEBAQEBAQ=="
ANSWERS: dict[str, tuple[bytes, object]] = {
    "RFC 6455 section 1.3": (handshake(), ACCEPT),
    "another key": (handshake(key=KEY_OF_ONES), "5tWd1XMQfqfRMZqGrwjPEgEvyeE="),
    "a path": (handshake("/chat?room=1"), ACCEPT),
    "any case": (changed(UPGRADE, "uPGRADE: WebSocket"), ACCEPT),
    "an upgrade alone": (changed(CONNECTION, "Connection: Upgrade"), ACCEPT),
    "connection in any case": (changed(CONNECTION, "Connection: UPGRADE"), ACCEPT),
    "connection in two fields": (changed(CONNECTION, "Connection: keep-alive\r\nConnection: upgrade"), ACCEPT),
    "connection with empty members": (changed(CONNECTION, "Connection: ,, upgrade\t,"), ACCEPT),
    "a body of no octets": (handshake("/", "Content-Length: 0"), ACCEPT),
    "fields that say nothing here": (handshake("/", "Origin: http://a", "Cookie: a=b"), ACCEPT),
    # What asks for no WebSocket is HTTP.
    "no upgrade": (changed(UPGRADE + "\r\n", ""), None),
    "an upgrade to something else": (changed(UPGRADE, "Upgrade: h2c"), None),
    "no connection": (changed(CONNECTION + "\r\n", ""), None),
    "connection without upgrade": (changed(CONNECTION, "Connection: keep-alive"), None),
    "connection with part of the word": (changed(CONNECTION, "Connection: upgrades, upgrad"), None),
    "POST": (changed("GET", "POST"), None),
    "HEAD": (changed("GET", "HEAD"), None),
    "get": (changed("GET ", "GETS "), None),
    "HTTP/1.0": (changed("HTTP/1.1", "HTTP/1.0"), None),
    # What asks and does not do it right.
    "no version": (changed("Sec-WebSocket-Version: 13\r\n", ""), 426),
    "an empty version": (handshake(version=""), 426),
    "an older version": (handshake(version="8"), 426),
    "a newer version": (handshake(version="14"), 426),
    "several versions": (handshake(version="13, 8"), 426),
    "a version with a zero": (handshake(version="013"), 426),
    "two versions": (handshake("/", "Sec-WebSocket-Version: 13"), 400),
    "no key": (changed("Sec-WebSocket-Key", "X-Key"), 400),
    "an empty key": (handshake(key=""), 400),
    "a key of 15 octets": (handshake(key="AQEBAQEBAQEBAQEBAQEB"), 400),
    "a key of 17 octets": (handshake(key="AQEBAQEBAQEBAQEBAQEBAQE="), 400),
    "a key without its padding": (handshake(key=KEY_OF_ONES.rstrip("=")), 400),
    "a key of another alphabet": (handshake(key="-" * 22 + "=="), 400),
    "a key with something behind": (handshake(key=KEY_OF_ONES + "x"), 400),
    "a key with a space in it": (handshake(key="AQEBAQEB AQEBAQEBAQEBAQ=="), 400),
    "a key of obs-text": (handshake(key="\xe9" * 22 + "=="), 400),
    "two keys": (handshake("/", f"Sec-WebSocket-Key: {KEY_OF_ONES}"), 400),
    "a body": (handshake("/", "Content-Length: 5") + b"hello", 400),
    "a body in chunks": (handshake("/", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_handshake(name: str) -> None:
    octets, expected = ANSWERS[name]
    assert outcome([octets]) == expected
    assert outcome(bytewise(octets)) == expected
    assert outcome([octets + BEHIND]) == expected


def test_what_comes_with_it_is_kept() -> None:
    octets = handshake() + BEHIND
    assert read([octets])[1] == read(bytewise(octets))[1] == BEHIND


def test_a_version_that_is_not_spoken_is_told_which_one_is() -> None:
    with pytest.raises(HTTPError) as caught:
        check_handshake(read([handshake(version="8")])[0])
    assert caught.value.fields == (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))  # type: ignore[attr-defined]


SUBPROTOCOLS: dict[str, tuple[list[str], list[str]]] = {
    "none": ([], []),
    "empty": ([""], []),
    "one": (["chat"], ["chat"]),
    "several": (["chat, superchat,v1.x"], ["chat", "superchat", "v1.x"]),
    "several fields": (["b", "a , c", ""], ["b", "a", "c"]),
    "case is kept": (["Chat"], ["Chat"]),
    "empty members": ([", a,,\tb\t,"], ["a", "b"]),
    "twice": (["a, a"], ["a", "a"]),
}


@pytest.mark.parametrize("name", SUBPROTOCOLS)
def test_subprotocols(name: str) -> None:
    values, expected = SUBPROTOCOLS[name]
    octets = handshake("/", *[f"Sec-WebSocket-Protocol: {value}" for value in values])
    assert offered_subprotocols(read([octets])[0]) == expected


class Agreed(NamedTuple):
    answer: str
    server_keeps: bool = True
    client_keeps: bool = True
    server_bits: int = 12
    client_bits: int = 15


def offer(*values: str) -> Agreed | None:
    octets = handshake("/", *[f"Sec-WebSocket-Extensions: {value}" for value in values])
    found = agree_on_deflate(read([octets])[0])
    if found is None:
        return None
    return Agreed(found.answer, found.server_keeps, found.client_keeps, found.server_bits, found.client_bits)


NAME = "permessage-deflate"
PLAIN = Agreed(f"{NAME}; server_max_window_bits=12")
OFFERS: dict[str, tuple[list[str], Agreed | None]] = {
    "nothing": ([], None),
    "empty": ([""], None),
    "by its name": ([NAME], PLAIN),
    "in capitals": ([NAME.upper()], PLAIN),
    "with spaces": ([f"  {NAME}\t"], PLAIN),
    "the client forgets": (
        [f"{NAME}; client_no_context_takeover"],
        Agreed(f"{NAME}; client_no_context_takeover; server_max_window_bits=12", client_keeps=False)),
    "the server forgets": (
        [f"{NAME}; server_no_context_takeover"],
        Agreed(f"{NAME}; server_no_context_takeover; server_max_window_bits=12", server_keeps=False)),
    "parameters in capitals": (
        [f"{NAME}; SERVER_NO_CONTEXT_TAKEOVER"],
        Agreed(f"{NAME}; server_no_context_takeover; server_max_window_bits=12", server_keeps=False)),
    "any window of the client": (
        [f"{NAME}; client_max_window_bits"],
        Agreed(f"{NAME}; server_max_window_bits=12; client_max_window_bits=12", client_bits=12)),
    **{f"{bits} bits of the client": (
        [f"{NAME}; client_max_window_bits={bits}"],
        Agreed(f"{NAME}; server_max_window_bits=12; client_max_window_bits={min(bits, 12)}",
               client_bits=max(9, min(bits, 12)))) for bits in range(8, 16)},
    **{f"{bits} bits of the server": (
        [f"{NAME}; server_max_window_bits={bits}"],
        Agreed(f"{NAME}; server_max_window_bits={min(bits, 12)}", server_bits=min(bits, 12))) for bits in range(9, 16)},
    "a value in quotes": (
        [f'{NAME}; server_max_window_bits="10"'], Agreed(f"{NAME}; server_max_window_bits=10", server_bits=10)),
    "everything": (
        [f"{NAME};server_no_context_takeover ; client_no_context_takeover;server_max_window_bits = 9"
         ";client_max_window_bits=10"],
        Agreed(f"{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; "
               "client_max_window_bits=10", False, False, 9, 10)),
    # What cannot be kept, or is not understood, is no offer (RFC 7692 section 5.1).
    "8 bits of the server": ([f"{NAME}; server_max_window_bits=8"], None),
    "7 bits of the server": ([f"{NAME}; server_max_window_bits=7"], None),
    "16 bits of the server": ([f"{NAME}; server_max_window_bits=16"], None),
    "bits with a zero": ([f"{NAME}; server_max_window_bits=09"], None),
    "no bits of the server": ([f"{NAME}; server_max_window_bits"], None),
    "7 bits of the client": ([f"{NAME}; client_max_window_bits=7"], None),
    "16 bits of the client": ([f"{NAME}; client_max_window_bits=16"], None),
    "bits that are a word": ([f"{NAME}; client_max_window_bits=many"], None),
    "a value where there is none": ([f"{NAME}; server_no_context_takeover=1"], None),
    "another value where there is none": ([f"{NAME}; client_no_context_takeover=x"], None),
    "an unknown parameter": ([f"{NAME}; wrong"], None),
    "a parameter twice": ([f"{NAME}; client_max_window_bits; client_max_window_bits"], None),
    "a parameter twice, in two cases": ([f"{NAME}; client_max_window_bits=9; Client_Max_Window_Bits=9"], None),
    # The first that can be kept is taken.
    "a second offer": (
        [f"{NAME}; server_max_window_bits=8, {NAME}; server_max_window_bits=9"],
        Agreed(f"{NAME}; server_max_window_bits=9", server_bits=9)),
    "a second field": ([f"{NAME}; wrong=1", NAME], PLAIN),
    "the first of two": ([f"{NAME}; server_max_window_bits=10, {NAME}"],
                         Agreed(f"{NAME}; server_max_window_bits=10", server_bits=10)),
    "another extension": (["x-other"], None),
    "another one before it": ([f"x-other; a=b; c, {NAME}"], PLAIN),
    "another one behind it": ([f"{NAME}, x-other"], PLAIN),
    "a longer name": ([f"x-{NAME}, {NAME}2"], None),
    # What breaks the grammar ends the list: nobody knows where the next member begins.
    "no grammar before it": ([f"x; =1, {NAME}"], None),
    "no grammar behind it": ([f"{NAME}, ;;"], PLAIN),
    "an open quote": ([f'{NAME}; server_max_window_bits="10'], None),
    "two values": ([f"{NAME}; server_max_window_bits=10 11"], None),
    "an empty member": ([f", {NAME}"], None),
}


@pytest.mark.parametrize("name", OFFERS)
def test_agreement_on_deflate(name: str) -> None:
    values, expected = OFFERS[name]
    assert offer(*values) == expected


WORDS = st.sampled_from([
    NAME, "x-other", "; ", ";", ", ", ",", "=", '"', " ", "\t", "client_max_window_bits", "server_max_window_bits",
    "client_no_context_takeover", "server_no_context_takeover", "8", "9", "12", "15", "16", "a",
])  # fmt: skip
TEXTS = st.one_of(st.lists(WORDS, max_size=12).map("".join), st.text("abc;,=\" \t19_-\xe9", max_size=20))
PARAMETERS = st.lists(st.sampled_from([
    "client_max_window_bits", "client_max_window_bits=8", "client_max_window_bits=13", "server_max_window_bits=9",
    "server_max_window_bits=15", "client_no_context_takeover", "server_no_context_takeover", "server_max_window_bits=8",
]), max_size=4).map(lambda words: "; ".join([NAME, *words]))


@given(st.lists(st.one_of(TEXTS, PARAMETERS), max_size=3))
@example([f"{NAME}; client_max_window_bits=8"])
def test_whatever_is_agreed_can_be_kept(values: list[str]) -> None:
    found = offer(*values)
    if found is None:
        return
    assert zlib.compressobj(wbits=-found.server_bits)
    assert zlib.decompressobj(-found.client_bits)
    name, *answered = found.answer.split("; ")
    assert name == NAME
    said = ",".join(values).lower()
    for parameter in answered:
        # We name our window ourselves; everything else answers an offer.
        assert parameter.startswith("server_max_window_bits=") or parameter.partition("=")[0] in said
    # A client that is told it keeps its window may use all of what it was allowed.
    told = dict(each.partition("=")[::2] for each in answered)
    assert int(told["server_max_window_bits"]) == found.server_bits
    assert found.client_bits >= int(told.get("client_max_window_bits", 15))
    # Said again as an offer, it is agreed on again.
    assert offer(found.answer) == found
