"""Servers to measure, on free ports of loopback, and the CPU time that they take."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    port: int
    pid: int

    def cpu_seconds(self) -> float | None:
        """The CPU time that its threads have taken; None where the system does not tell.

        Linux counts it in nanoseconds, other than the ticks of 10 ms that ``times`` has.
        """
        taken = []
        for thread in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            with suppress(FileNotFoundError):  # a thread that ended meanwhile
                taken.append(int(thread.read_text().split()[0]))
        return sum(taken) / 1e9 if taken else None


@contextmanager
def servers(commands: Sequence[Sequence[str]], folders: Sequence[Path]) -> Iterator[list[Server]]:
    """A server for each command, which is given the port at its end, run in the folder beside."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(server(command, folder))
            for command, folder in zip(commands, folders, strict=True)
        ]


@contextmanager
def server(
    command: Sequence[str],
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    seconds: float = 30,
) -> Iterator[Server]:
    """A server of a command, which is given the port at its end, run in a folder.

    Args:
        environ: In place of this process's variables.
        seconds: How long it may take until it listens.
    """
    port = _free_port()
    process = subprocess.Popen(
        [*command, str(port)], stdout=subprocess.DEVNULL, cwd=folder, env=environ
    )
    try:
        _wait_for(port, seconds)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, seconds: float) -> None:
    """Return when something listens on the port.

    Raises:
        TimeoutError: Nothing does within so many seconds.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"no server on port {port}")
