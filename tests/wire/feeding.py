"""Feeds octets to the HTTP/1 protocol and tells what it made of them."""

from __future__ import annotations

from collections.abc import Iterable

from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.protocol import DATA, END, NEED_DATA, REQUEST

Outcome = list[tuple[object, ...]]


def bytewise(data: bytes) -> list[bytes]:
    return [data[index:index + 1] for index in range(len(data))]


def feed(
    pieces: Iterable[bytes], limits: Limits | None = None, trusted: bool = False, proxy_allowed: bool = True
) -> Outcome:
    """Every request as ("request", method, uri, fields, body, trailers), then ("error", status) if it went wrong.

    A request whose body is not complete is ("request", ..., None, None).
    """
    protocol = HTTP1(FieldTable(limits or Limits()), trusted, proxy_allowed)
    outcome: Outcome = []
    body: list[bytes] = []

    def done(complete: bool) -> None:
        request = protocol.request
        assert request is not None
        outcome.append((
            "request", request.method, request.uri, tuple(request.headers),
            b"".join(body) if complete else None, tuple(request.trailers or ()) if complete else None,
        ))
        body.clear()

    try:
        for piece in pieces:
            protocol.receive(piece)
            while (event := protocol.next_event()) != NEED_DATA:
                if event == DATA:
                    body.append(protocol.data)
                elif event == END or (event == REQUEST and protocol.request.content_length == 0):
                    done(True)
                    protocol.next_request()
                else:
                    assert event == REQUEST
    except HTTPError as error:
        outcome.append(("error", error.status))
    else:
        if protocol.request is not None:
            done(False)
    return outcome


def feed_both(data: bytes, limits: Limits | None = None, trusted: bool = False) -> Outcome:
    """Whole and byte by byte must say the same."""
    whole = feed([data], limits, trusted)
    assert feed(bytewise(data), limits, trusted) == whole
    return whole
