"""What is at work beside a run: it gives signs of life, and writes the run when that is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread

from headwater.errors import HeadwaterError

BEAT = 30.0
"""Seconds between two signs of life."""
PAUSE = 0.1
"""Seconds between two writes of a run: what quick steps have to tell goes together."""


class RunWriter:
    """Writes a run that has changed: at once, or with what follows within a moment."""

    def __init__(
        self, write: Callable[[], None], beat: Callable[[], None], *, every: float = BEAT
    ) -> None:
        """Begin to give signs of life; the first one is the caller's.

        Args:
            write: Writes the run as it is.
            beat: Gives a sign of life.
            every: Seconds between two signs.
        """
        self._write, self._beat, self._every = write, beat, every
        self._lock = Lock()
        self._written = 0.0
        self._due, self._ended = Event(), Event()
        self._thread = Thread(target=self._go, name="headwater run", daemon=True)
        self._thread.start()

    def changed(self) -> None:
        """Write the run, unless that was done just now: then soon."""
        if time.monotonic() - self._written < PAUSE and not self._ended.is_set():
            self.soon()
        else:
            self.write()

    def soon(self) -> None:
        """Write the run in a moment, unless it is written before."""
        self._due.set()

    def write(self) -> None:
        """Write the run now.

        Raises:
            InvalidInputError: It is refused.
        """
        with self._lock:
            self._due.clear()
            self._write()
            self._written = time.monotonic()

    def stop(self) -> None:
        """Give no more signs, and write nothing by itself."""
        self._ended.set()
        self._due.set()
        self._thread.join()

    def _go(self) -> None:
        beat_at = time.monotonic() + self._every
        while not self._ended.is_set():
            if self._due.wait(max(0.0, beat_at - time.monotonic())):
                self._ended.wait(PAUSE)
                if self._due.is_set() and not self._ended.is_set():
                    with suppress(HeadwaterError):  # the last write of the run tells it
                        self.write()
            else:
                beat_at = time.monotonic() + self._every
                with suppress(HeadwaterError):  # as above
                    self._beat()
