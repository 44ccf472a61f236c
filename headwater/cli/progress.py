"""Progress of long work, on stderr when that is a terminal; pipes and logs get none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_FEW = 20
_EVERY = 500  # drawing costs more than most of what is drawn


@contextmanager
def progress(total: int | None = None) -> Iterator[Callable[[str], None]]:
    """Yield what is told of each step of the work, with the name of what it is a step of.

    Args:
        total: How many steps there are, where that is known. Few are not worth a bar.
    """
    few = total is not None and total < _FEW
    if few or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # What is printed meanwhile stands above the bar, or goes where it is sent.
    bar = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar as bars:
        steps = _Steps(bars, total)
        yield steps.take
        steps.show()


class _Steps:
    """Counts steps; a name that is new ends the bar of the one before and begins one."""

    def __init__(self, bars: Progress, total: int | None) -> None:
        self._bars = bars
        self._total = total
        self._every = _EVERY if total is None else max(1, total // 100)
        self._name = ""
        self._task: TaskID | None = None
        self._done = 0

    def take(self, name: str) -> None:
        """Count one step."""
        if name != self._name:
            self.show()
            self._name, self._done = name, 0
            self._task = self._bars.add_task(name, total=self._total)
        self._done += 1
        if self._task is not None and self._done % self._every == 0:
            self._bars.update(self._task, completed=self._done)

    def show(self) -> None:
        """Draw a bar as full: its work has ended."""
        if self._task is not None:
            self._bars.update(self._task, completed=self._done, total=self._done)
