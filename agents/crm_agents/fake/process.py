"""The fake server in a process of its own: what it costs is then no part of what is measured beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any

from crm_gym import UsageError

_PROGRAM = (
    "import sys, json; from crm_agents.commands import fake_server as it; "
    "sys.exit(it.run(it.Args(**json.loads(sys.argv[1]))))"
)


class FakeServerProcess:
    """Runs `crm-agents fake-server` beside this process; a context manager.

    Args:
        **arguments: Arguments of the command, as JSON values: port (0 by default), latency, script, fault, ...

    Attributes:
        url: The base URL for anthropic's SDK.
        v1: The base URL for openai's SDK.

    Raises:
        UsageError: If it does not start; says what it said.
    """

    def __init__(self, **arguments: Any) -> None:
        self.arguments = {"port": 0, "json": True, **arguments}
        self.url = self.v1 = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> FakeServerProcess:
        command = [sys.executable, "-c", _PROGRAM, json.dumps(self.arguments)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, said = self._process.communicate()
            raise UsageError(f"the fake server did not start: {said.strip()[-500:]}")
        told = json.loads(line)
        self.url, self.v1 = told["anthropic"], told["openai"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None
