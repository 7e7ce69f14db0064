"""An event loop in a thread of its own, so that plain code can wait for what is asynchronous, wherever it runs."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """A loop that begins with the first use and ends with `close`, or when nobody holds it any more.

    Args:
        last: Awaited in the loop before it ends.
    """

    def __init__(self, last: Callable[[], Awaitable[None]]) -> None:
        self._last = last
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._end: Callable[[], Any] = lambda: None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work comes to; Ctrl-C stops it."""
        future = asyncio.run_coroutine_threadsafe(work, self._begun())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread; twice is fine."""
        with self._lock:
            self._end()
            self._loop, self._thread, self._end = None, None, lambda: None

    def _begun(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():  # or left behind by a fork
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_turn, args=(self._loop,), name="model calls", daemon=True)
                self._thread.start()
                self._end = weakref.finalize(self, _stop, self._loop, self._thread, self._last)
            return self._loop

    def __getstate__(self) -> dict[str, Any]:
        return {"_last": self._last}  # a loop stays in its process

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__init__(kept["_last"])  # type: ignore[misc]


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread, last: Callable[[], Awaitable[None]]) -> None:
    async def finish() -> None:
        await last()

    if threading.current_thread() is thread:  # collected in there: nothing can be waited for
        loop.create_task(finish()).add_done_callback(lambda _: loop.stop())
        return
    if thread.is_alive() and not loop.is_closed():
        asyncio.run_coroutine_threadsafe(finish(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
