"""What tracking costs a step beside writing its artifacts: ``python -m benchmarks.tracking``.

A pipeline of 30 steps, each of which is given a frame and returns another, 7 times over; a step's
cost is the time of its call without that of its function and of the artifact store. Over HTTP and
in process, SQLite with ``synchronous=FULL``.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import pandas as pd

from benchmarks.server import servers
from headwater import Model, connect, pipeline, step
from headwater.tracking import disconnect
from headwater.tracking.artifact_store import ArtifactStore

STEPS, RUNS = 30, 7
costs: list[float] = []
spent = [0.0]


@step
def work(frame: pd.DataFrame, number: int) -> Annotated[pd.DataFrame, "worked"]:
    """Change a frame a little."""
    start = time.perf_counter()
    made = frame + number
    spent[0] += time.perf_counter() - start
    return made


def chain() -> None:
    """A step after another, each with what the one before made."""
    frame = pd.DataFrame({name: range(1000) for name in "abcdef"})
    for number in range(STEPS):
        start, spent[0] = time.perf_counter(), 0.0
        frame = work(frame, number)
        costs.append(time.perf_counter() - start - spent[0])


@contextmanager
def timed_store() -> Iterator[None]:
    """Take the time that the artifact store needs."""
    put = ArtifactStore.put

    def timed(self: ArtifactStore, value: Any, *, name: str) -> Any:
        start = time.perf_counter()
        try:
            return put(self, value, name=name)
        finally:
            spent[0] += time.perf_counter() - start

    with patch.object(ArtifactStore, "put", timed):
        yield


def measure(name: str) -> None:
    """Run the pipeline and print a line."""
    costs.clear()
    for cached in (False, True):
        run = pipeline(name="chain", model=Model("bench"), enable_cache=cached)(chain)
        costs.clear()
        with timed_store():
            for _ in range(1 if cached else RUNS):
                run()
        milliseconds = sorted(1000 * each for each in costs)
        p95 = milliseconds[int(len(milliseconds) * 0.95)]
        what = f"{name}, {'with' if cached else 'without'} cache"
        print(f"{what:28} p50 {statistics.median(milliseconds):5.1f} ms   p95 {p95:5.1f} ms")


def main() -> None:
    """Measure over HTTP and in process."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(chdir(folder))
        store = f"sqlite:///{Path(folder) / 'server.db'}"
        command = [sys.executable, "-m", "headwater", "serve", "--store", store, "--port"]
        (server,) = stack.enter_context(servers([command], [Path(__file__).parents[1]]))
        connect(f"http://127.0.0.1:{server.port}")
        measure("over HTTP")
        connect(store=Path(folder) / "own.db")
        measure("in process")
        disconnect()


if __name__ == "__main__":
    main()
