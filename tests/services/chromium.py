"""Debian's Chromium without a window, told what to do over a pipe (the DevTools protocol), with its network off."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tests.services.debian import FOLDER, program

_NAMES = ("chromium", "google-chrome")
_OPTIONS = (
    "--headless",
    # the tests may run as root, in a container
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    # whatever a page asks for, there is nobody
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_TROUBLE = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")


@dataclass
class Tab:
    """A page that is open. `trouble`: what it said on its console; `requested`: addresses that it asked for."""

    commands: BinaryIO
    answers: BinaryIO
    session: str = ""
    trouble: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    _number: int = 0

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while True:
            said = json.loads(self._next())
            if said.get("id") == self._number:
                assert "error" not in said, f"{method}: {said}"
                return dict(said["result"])
            self._happened(said)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of its promise."""
        answer = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, page: Path, *, width: int, dark: bool = False) -> None:
        """Open `page` in a window of `width` CSS pixels, and wait until it has drawn its charts."""
        self.trouble.clear()
        self.requested.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        scheme = "dark" if dark else "light"
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.ask("Page.navigate", url=page.as_uri())
        self.evaluate(
            """new Promise((done) => {
                const drawn = () => document.documentElement?.dataset.drawn && done(true);
                new MutationObserver(drawn).observe(document, { attributes: true, childList: true, subtree: true });
                drawn();
            })"""
        )

    def screenshot(self, path: Path) -> tuple[int, int]:
        """Keep a picture of the whole page; returns its width and height."""
        height = int(self.evaluate("document.documentElement.scrollHeight"))
        width = int(self.evaluate("innerWidth"))
        path.write_bytes(self.picture(width, height))
        return width, height

    def picture(self, width: int, height: int) -> bytes:
        """The upper part of the page, as PNG."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def _next(self) -> bytes:
        message = bytearray()
        while (byte := self.answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        return bytes(message)

    def _happened(self, event: dict[str, Any]) -> None:
        if event.get("method") in _TROUBLE:
            self.trouble.append(json.dumps(event["params"]))
        if event.get("method") == "Network.requestWillBeSent":
            self.requested.append(event["params"]["request"]["url"])


@contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """A browser with one tab, for as long as it is needed; `profile` is a folder of its own."""
    to_read, to_write = os.pipe()
    answers_read, answers_write = os.pipe()
    # the protocol wants file descriptors 3 and 4
    shell = f'exec "$@" 3<&{to_read} 4>&{answers_write}'
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *_command(), *_OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(to_read, answers_write),
            env=os.environ | {"LD_LIBRARY_PATH": _libraries()},
            stdout=log,
            stderr=log,
        )
        os.close(to_read)
        os.close(answers_write)
        try:
            with os.fdopen(to_write, "wb") as commands, os.fdopen(answers_read, "rb") as answers:
                tab = Tab(commands, answers)
                target = tab.ask("Target.createTarget", url="about:blank")["targetId"]
                tab.session = tab.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
                yield tab
        finally:
            process.kill()
            process.wait()


def _command() -> list[str]:
    for name in _NAMES:
        if found := shutil.which(name):
            return [found]
    return [program("chromium-headless-shell")]


def _libraries() -> str:
    """Where the libraries lie that came with the browser, if it was unpacked rather than installed."""
    folders = (path for name in ("*-linux-gnu", "*-linux-gnu/pulseaudio") for path in FOLDER.glob(f"usr/lib/{name}"))
    unpacked = [str(path) for path in folders]
    return ":".join([*unpacked, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
