"""What is at work beside a run: its writes, which quick steps share, and its signs of life."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from headwater import ClientError
from headwater.tracking.run_writer import RunWriter


class Told:
    """Counts what is asked for."""

    def __init__(self) -> None:
        self.writes = self.beats = 0
        self.fails = False

    def write(self) -> None:
        self.writes += 1
        if self.fails:
            raise ClientError("away")

    def beat(self) -> None:
        self.beats += 1
        if self.fails:
            raise ClientError("away")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def writer(told: Told) -> Iterator[RunWriter]:
    made = RunWriter(told.write, told.beat, every=0.05)
    yield made
    made.stop()


def until(fits: Callable[[], bool]) -> None:
    """Wait for something that comes soon."""
    end = time.monotonic() + 10
    while not fits():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_change_is_written_at_once_and_quick_ones_together(told: Told, writer: RunWriter) -> None:
    writer.changed()
    assert told.writes == 1
    for _ in range(50):
        writer.changed()
    until(lambda: told.writes > 1)
    assert told.writes < 10


def test_signs_of_life_are_given_whatever_the_run_does(told: Told, writer: RunWriter) -> None:
    until(lambda: told.beats >= 3)
    assert told.writes == 0


def test_a_catalog_that_is_away_ends_neither(told: Told, writer: RunWriter) -> None:
    told.fails = True
    with pytest.raises(ClientError):
        writer.changed()
    until(lambda: told.beats >= 2)
    told.fails = False
    writer.changed()
    until(lambda: told.writes >= 2)


def test_nothing_is_written_once_it_is_stopped(told: Told) -> None:
    writer = RunWriter(told.write, told.beat)
    writer.changed()
    writer.changed()
    writer.stop()
    before = told.writes
    time.sleep(0.3)
    assert told.writes == before
