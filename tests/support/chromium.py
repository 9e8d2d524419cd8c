"""A Chromium without a window, driven by its own protocol (Chrome DevTools Protocol) over a WebSocket.

What a script in the page may not do, `eval` among it, this may: it comes from the debugger.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support.wait import PATIENCE, wait_until

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--disable-extensions", "--disable-default-apps", "--remote-debugging-port=0",
)


class Chromium:
    """One browser with one tab. `folder` has its profile."""

    def __init__(self, folder: Path) -> None:
        from websockets.sync.client import connect

        assert PROGRAM is not None
        self.process = subprocess.Popen(
            [PROGRAM, *FLAGS, f"--user-data-dir={folder}", "about:blank"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )
        self._stack = ExitStack()
        self.requests: list[str] = []
        self.problems: list[str] = []
        # What stands in red in the console, the browser's own lines included.
        self.errors: list[str] = []
        self._numbers = itertools.count(1)
        port = folder / "DevToolsActivePort"
        try:
            wait_until(lambda: port.exists() and port.read_text().count("\n") >= 1, what="the debugger of Chromium")
            number, path = port.read_text().split("\n")[:2]
            # Snapshots of a page are long; and nobody asks it whether it lives.
            self._socket = self._stack.enter_context(
                connect(f"ws://127.0.0.1:{number}{path}", max_size=None, proxy=None, ping_interval=None)
            )
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    _session = ""

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def call(self, method: str, **params: object) -> Any:
        """Do one thing; what comes in between is noted."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded":
            entry = params["entry"]
            if entry["level"] == "error":
                self.errors.append(f"{entry['text']} {entry.get('url', '')}")
            if entry["source"] == "security":
                self.problems.append(entry["text"])
        elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(str(params["args"]))

    def run(self, script: str) -> Any:
        """The value of an expression in the page, or what its promise becomes."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def wait(self, script: str) -> None:
        """Until the expression is true."""
        wait_until(
            lambda: self.run(f"Boolean({script})"), what=lambda: f"{script}: {self.run('document.body.innerText')}"
        )

    def text(self, selector: str) -> str:
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, button: str) -> None:
        """Click the button of the dialog with this text."""
        found = f"[...document.querySelectorAll('dialog[open] button')].find(each => each.innerText === {button!r})"
        self.wait(found)
        self.run(f"{found}.click()")

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def key(self, name: str) -> None:
        """Press a key, such as Tab, Enter or Escape."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27}[name]
        # With its text it is a press like one of a person: what prevents the one prevents the other.
        text = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **text)
            text = {}

    def size(self, width: int, height: int, scale: float = 1) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def scheme(self, name: str) -> None:
        """`light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path: Path, whole: bool = True) -> None:
        """A screenshot of the page, or of what a window shows of it."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
