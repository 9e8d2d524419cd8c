"""Applications of real frameworks, the same list for each, with real clients; uvicorn does the same as a reference."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until

FRAMEWORKS = ("starlette", "fastapi", "litestar", "quart", "blacksheep", "django")
#: What Django leaves to others.
WITHOUT_LIFESPAN = WITHOUT_WEBSOCKETS = ("django",)
FOLDER = Path(__file__).parent / "frameworks"
UVICORN = "Uvicorn running on http://127.0.0.1:"


class Uvicorn(Server):
    """The reference."""

    def start(self, workers: int = 1, deadline: float = 20.0) -> Server:
        self.args = [sys.executable, "-m", "uvicorn", "--port", "0", "--ws", "websockets-sansio", "app:app"]
        self.spawn()
        self.wait_for_log(UVICORN, deadline)
        return self

    @property
    def port(self) -> int:
        return int(self.wait_for_log(UVICORN + r"(\d+)")[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


SERVERS = {"gunicorn": Server, "uvicorn": Uvicorn}
#: Where nobody tells the application that its client left: BlackSheep does not ask for `http.disconnect`, and uvicorn
#: raises nothing in `send`; the answer is written for ever, and the server then waits for it when it should stop.
ENDLESS = {("uvicorn", "blacksheep")}
#: How a client learns that an answer stays incomplete: we end the connection after the last bytes, uvicorn resets it.
CUT_OFF = {"gunicorn": httpx.RemoteProtocolError, "uvicorn": httpx.TransportError}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    assert importlib.util.find_spec(request.param), f"{request.param} is not installed"
    return str(request.param)


@pytest.fixture(scope="module", params=SERVERS)
def peer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(framework: str, peer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(framework)
    (folder / "common.py").write_text((FOLDER / "common.py").read_text())
    app = (FOLDER / f"app_{framework}.py").read_text()
    running = SERVERS[peer](folder, app, "-k", "asgi", expect_traceback=True)
    try:
        running.start()
        yield running
        if (peer, framework) in ENDLESS:
            return
        running.stop()
        if framework not in WITHOUT_LIFESPAN:
            assert "lifespan ended" in running.log()
    finally:
        running.kill()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield client


def test_routing_and_json(client: httpx.Client) -> None:
    for number in range(20):
        response = client.get(f"/hello/name{number}", params={"q": "ä b"})
        assert response.json() == {"hello": f"name{number}", "q": "ä b"}
    assert client.get("/nowhere").status_code == 404


def test_forms(client: httpx.Client) -> None:
    assert client.post("/form", data={"a": "1", "b": "ü&="}).json() == {"a": "1", "b": "ü&="}
    parts = {"a": (None, "1"), "b": (None, "two")}
    assert client.post("/form", files=parts).json() == {"a": "1", "b": "two"}  # type: ignore[arg-type]


def test_upload_of_20_mb(client: httpx.Client) -> None:
    body = os.urandom(1_000_000) * 20
    expected = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert client.post("/upload", content=body).json() == expected
    chunks = (body[at:at + 300_000] for at in range(0, len(body), 300_000))
    assert client.post("/upload", content=chunks).json() == expected


def test_streams(client: httpx.Client) -> None:
    assert client.get("/stream").content == b"".join(b"%d\n" % number for number in range(10))
    with client.stream("GET", "/sse") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert [line for line in response.iter_lines() if line] == ["data: 0", "data: 1", "data: 2"]


def test_lifespan_and_background_tasks(client: httpx.Client, framework: str) -> None:
    assert client.get("/seen").json()["started"] == (framework not in WITHOUT_LIFESPAN)
    before = client.get("/seen").json()["background"]
    assert client.get("/background").status_code == 200
    wait_until(lambda: client.get("/seen").json()["background"] == before + 1)


def test_a_client_that_leaves_in_the_middle(client: httpx.Client, framework: str, peer: str) -> None:
    if (peer, framework) in ENDLESS:
        pytest.skip("the reference does not notice it")
    before = client.get("/seen").json()["gone"]
    with client.stream("GET", "/endless") as response:
        next(response.iter_raw())
    wait_until(lambda: client.get("/seen").json()["gone"] == before + 1)


def test_errors_before_and_after_the_head(client: httpx.Client, peer: str) -> None:
    assert client.get("/fail").status_code == 500
    with pytest.raises(CUT_OFF[peer]):
        client.get("/fail-late")
    assert client.get("/hello/still?q=here").json() == {"hello": "still", "q": "here"}


def test_websockets(server: Server, framework: str) -> None:
    from websockets.sync.client import connect

    url = server.url.replace("http", "ws", 1)
    if framework in WITHOUT_WEBSOCKETS:
        with pytest.raises(Exception, match=r"HTTP (403|500)"), connect(f"{url}/echo"):
            pass
        return
    with connect(f"{url}/echo") as echo:
        for text in ("hello", "ä" * 100_000, ""):
            echo.send(text)
            assert echo.recv(PATIENCE) == text
    with ExitStack() as stack:
        members = []
        for number in range(5):
            member = stack.enter_context(connect(f"{url}/room"))
            member.send(f"here {number}")
            assert member.recv(PATIENCE) == f"here {number}"
            members.append(member)
        members[0].send("to all")
        for number, member in enumerate(members):
            later = [f"here {later}" for later in range(number + 1, 5)]
            assert [member.recv(PATIENCE) for _ in range(5 - number)] == [*later, "to all"]
