"""From WebSockets of HTTP/1.1 to WebSockets on streams of HTTP/2 (RFC 8441): what the suite's client speaks, for a
server that is to be judged by what it does on streams.

Octets of WebSocket pass as they are. Each client has a connection of its own behind the bridge.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Callable

import h2.config
import h2.connection
import h2.events

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: Fields of the handshake that go to the server, and of its answer that go to the client.
KEPT = ("sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol", "user-agent")
STREAM = 1


class Bridge:
    """A listening bridge, in a thread; leaving the context ends it."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> Bridge:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._cross(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            # The suite's client leaves as it likes.
            pass
        finally:
            writer.close()

    async def _cross(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        behind, towards = await asyncio.open_connection("127.0.0.1", self._behind)
        crossing = Crossing(writer, towards, fields["sec-websocket-key"])
        try:
            crossing.begin(head[0].split(" ")[1], fields)
            backwards = asyncio.create_task(relay(behind, crossing.from_server, crossing.server_ended))
            forwards = asyncio.create_task(relay(reader, crossing.from_client, crossing.client_ended))
            await asyncio.wait((forwards, backwards), return_when=asyncio.FIRST_COMPLETED)
            # What the server still says goes to a client that has said its last.
            await asyncio.wait((backwards,), timeout=10 if forwards.done() else 0)
            for task in (forwards, backwards):
                task.cancel()
            await asyncio.gather(forwards, backwards, return_exceptions=True)
        finally:
            towards.close()


async def relay(reader: asyncio.StreamReader, give: Callable[[bytes], object], end: Callable[[], object]) -> None:
    """All octets of one side, and its end."""
    try:
        while data := await reader.read(65536):
            give(data)
    except OSError:
        pass
    end()


class Crossing:
    """One client and its stream."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, key: str) -> None:
        self._client = client
        self._server = server
        self._key = key
        configuration = h2.config.H2Configuration(
            header_encoding="latin-1", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self._h2 = h2.connection.H2Connection(configuration)
        self._waits = b""
        self._is_open = False

    def begin(self, target: str, fields: dict[str, str]) -> None:
        """The handshake, as a stream asks for it."""
        self._h2.initiate_connection()
        self._h2.send_headers(STREAM, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", target),
            (":authority", fields["host"]), *((name, fields[name]) for name in KEPT if name in fields),
        ])
        self._flush()

    def _flush(self) -> None:
        self._server.write(self._h2.data_to_send())

    def from_client(self, data: bytes) -> None:
        """Frames for the server, as far as the windows let them."""
        self._waits += data
        self._send()

    def _send(self) -> None:
        while self._waits and self._is_open:
            most = min(self._h2.local_flow_control_window(STREAM), self._h2.max_outbound_frame_size)
            if most <= 0:
                break
            self._h2.send_data(STREAM, self._waits[:most])
            self._waits = self._waits[most:]
        self._flush()

    def client_ended(self) -> None:
        """The client has closed its connection, which is the end of the stream."""
        if self._is_open:
            self._is_open = False
            self._h2.end_stream(STREAM)
            self._flush()

    def from_server(self, data: bytes) -> None:
        """What has come on the connection."""
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self._answer(dict(event.headers))
            elif isinstance(event, h2.events.DataReceived):
                self._client.write(event.data)
                self._h2.acknowledge_received_data(event.flow_controlled_length, STREAM)
            elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                self._is_open = False
                self._client.close()
        self._send()

    def _answer(self, fields: dict[str, str]) -> None:
        if fields[":status"] != "200":
            self._client.write(f"HTTP/1.1 {fields[':status']} Refused\r\nContent-Length: 0\r\n\r\n".encode())
            return
        accept = base64.b64encode(hashlib.sha1(self._key.encode() + GUID, usedforsecurity=False).digest()).decode()
        told = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if name in KEPT)
        self._client.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{told}\r\n".encode()
        )
        self._is_open = True

    def server_ended(self) -> None:
        """The connection behind the bridge has ended."""
        self._is_open = False
        self._client.close()
