"""Pages in a real browser: one Chromium per process of tests, spoken to through a pipe, without a driver."""

import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

HERE: Final = Path(__file__).parent
MEASURE: Final = (HERE / "measure.js").read_text(encoding="utf-8")
AXE: Final = (HERE / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
JUDGE: Final = """axe.run(document, {resultTypes: ['violations'], preload: false}).then(function (result) {
  return result.violations.map(function (broken) {
    return broken.id + ': ' + broken.nodes.map(function (node) { return node.html.slice(0, 120); }).join(' | ');
  });
})"""
SECONDS: Final = 60
FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--remote-debugging-pipe", "--allow-file-access-from-files"),
)


class Browser:
    """A Chromium and one tab of it; what the page says to the console or asks of the network is kept."""

    def __init__(self, chromium: str, home: Path) -> None:
        to_browser, from_browser = os.pipe(), os.pipe()
        theirs = [to_browser[0], from_browser[1]]
        while min(theirs) < 5:  # so that neither is overwritten when they become 3 and 4
            theirs = [os.dup(end) for end in theirs]
        command = [chromium, *FLAGS, f"--user-data-dir={home}", "about:blank"]
        nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        pipes = [(os.POSIX_SPAWN_DUP2, end, number) for end, number in zip(theirs, (3, 4), strict=True)]
        self._process = os.posix_spawn(chromium, command, os.environ, file_actions=[*nowhere, *pipes])
        for end in {to_browser[0], from_browser[1], *theirs}:
            os.close(end)  # so that the end of the browser is the end of the pipe
        self._write, self._read = to_browser[1], from_browser[0]
        self._rest = b""
        self._calls = 0
        self.said: list[str] = []
        self.asked: list[str] = []
        self._loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something and return its answer; events that come before it are kept."""
        self._calls += 1
        number = self._calls
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._send(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _send(self, message: bytes) -> None:
        while message:
            message = message[os.write(self._write, message) :]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], SECONDS)
            got = os.read(self._read, 1 << 20) if ready else b""
            if not got:
                raise AssertionError("The browser has gone, or says nothing.")
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._keep(message.get("method", ""), message.get("params", {}))
        return message

    def _keep(self, event: str, about: dict[str, Any]) -> None:
        match event:
            case "Runtime.consoleAPICalled":
                self.said.append(f"{about['type']} {about['args']}")
            case "Runtime.exceptionThrown":
                self.said.append(str(about["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(f"{about['entry']['level']} {about['entry']['text']}")
            case "Network.requestWillBeSent" if not about["request"]["url"].startswith("data:"):
                self.asked.append(about["request"]["url"])
            case "Page.loadEventFired":
                self._loaded = True

    def open(self, page: Path, *, scripts: bool = True) -> None:
        """Open a page afresh; ``said`` and ``asked`` are of this page."""
        self.said.clear()
        self.asked.clear()
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._loaded = False
        self.call("Page.navigate", url=page.as_uri())
        while not self._loaded:
            self._next()
        self.call("Emulation.setScriptExecutionDisabled", value=False)  # what was not run is not run later
        self.asked.remove(page.as_uri())

    def look(self, *, width: int, height: int = 900, dark: bool = False, media: str = "") -> None:
        """Show the page that is open at a width, in light or dark, on the screen or as ``print``."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def measured(self) -> dict[str, Any]:
        """Return what stands where (``measure.js``)."""
        made: dict[str, Any] = self.value(MEASURE)
        return made

    def broken_rules(self) -> list[str]:
        """Return which rules of accessibility the page that is open breaks, and where."""
        if not self.value("'axe' in window"):
            self.value(f"{AXE};0")
        made: list[str] = self.value(JUDGE)
        return made

    def value(self, script: str) -> Any:
        """Return what an expression is on the page that is open, a promise awaited."""
        made = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in made:
            raise AssertionError(made["exceptionDetails"])
        return made["result"].get("value")

    def close(self) -> None:
        """End the browser."""
        self._session = None
        with suppress(AssertionError, OSError):
            self.call("Browser.close")
        for end in (self._write, self._read):
            os.close(end)
        for _ in range(50):
            if os.waitpid(self._process, os.WNOHANG)[0]:
                return
            time.sleep(0.1)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser, or a skip."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium on this machine")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for all tests of a process."""
    with tempfile.TemporaryDirectory(prefix="siyu-browser-", ignore_cleanup_errors=True) as home:
        opened = Browser(chromium, Path(home))
        yield opened
        opened.close()
