"""A headless Chromium over its DevTools pipe: NUL-ended JSON on two file descriptors, no further package."""

import base64
import json
import os
import select
import subprocess
import tempfile
import time

PATIENCE = 30.0  # seconds until a browser that says nothing is given up


class Chromium:
    """One page. `events` holds what the browser has reported besides answers."""

    def __init__(self, program, width=1280, height=900):
        self._home = tempfile.TemporaryDirectory(prefix="crm_gym-chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
            f"--user-data-dir={self._home.name}", "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip
        # The pipe's ends must be 3 and 4 in the browser: a shell puts them there.
        script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._buffer, self.events, self._session = 0, b"", [], None
        targets = self.send("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.size(width, height)

    def send(self, method, **parameters):
        """A command; its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], PATIENCE)
            assert ready, "the browser says nothing"
            read = os.read(self._in, 1 << 20)
            assert read, "the browser is gone"
            self._buffer += read
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)

    def size(self, width, height=900):
        """The window, a phone if it is narrow."""
        phone = width < 600
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def scheme(self, name):
        """Light or dark."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, path, fragment=""):
        """A file, until its script says that it is ready."""
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=path.as_uri() + fragment)
        self.until("document.documentElement?.dataset.ready === 'true'")

    def value(self, expression):
        """What an expression comes to in the page; promises are waited for."""
        came = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in came, came["exceptionDetails"]
        return came["result"].get("value")

    def until(self, expression):
        """Wait for the page."""
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, f"never came true: {expression}"
            time.sleep(0.02)

    def click(self, selector, number=0):
        """Press the mouse where an element is."""
        found = f"document.querySelectorAll({json.dumps(selector)})[{number}]"
        self.value(f"{found}.scrollIntoView({{block: 'center'}})")
        x, y = self.value(
            f"(r => [r.x + Math.min(r.width / 2, 60), r.y + r.height / 2])({found}.getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, text):
        """Type where the cursor is."""
        self.send("Input.insertText", text=text)

    def picture(self, path, whole=False):
        """A screenshot, of all of the page if wanted."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=whole, **(self._all() if whole else {}))
        path.write_bytes(base64.b64decode(shot["data"]))

    def _all(self):
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12_000), "scale": 1}}

    def troubles(self):
        """Exceptions, log entries and console messages, and addresses asked for that are no file's."""
        self.value("0")
        found = []
        for event in self.events:
            said = event.get("params", {})
            if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
                found.append(said)
            if event.get("method") == "Network.requestWillBeSent":
                address = said["request"]["url"]
                if not address.startswith(("file:", "about:", "blob:", "data:")):
                    found.append(address)
        return found

    def close(self):
        """End the browser."""
        os.close(self._out)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        self._home.cleanup()
