"""Where the code that asks is: in a pipeline's run, in a step of it, or in neither."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.errors import InvalidInputError
from headwater.sdk import Headwater
from headwater.tracking.connection import current
from headwater.tracking.outbox import Outbox

if TYPE_CHECKING:
    from headwater.tracking.model import Model
    from headwater.tracking.run import Run
    from headwater.tracking.step_run import StepRun

_run: ContextVar[Run | None] = ContextVar("headwater_run", default=None)
_step: ContextVar[StepRun | None] = ContextVar("headwater_step", default=None)
_active: list[Run] = []
"""The runs of this process that are under way, in all threads."""
R = TypeVar("R")


class PipelineContext:
    """What a pipeline's function may know of its run."""

    def __init__(self, run: Run) -> None:
        """Make it of a run."""
        self._tracked = run

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self._tracked.pipeline

    @property
    def run_id(self) -> str:
        """The run's id."""
        opaque("asks which run it is of")
        return self._tracked.id

    @property
    def run_name(self) -> str:
        """The run's name."""
        opaque("asks which run it is of")
        return self._tracked.name

    @property
    def model(self) -> Model:
        """The version of a model that the pipeline is configured with.

        Raises:
            InvalidInputError: It is configured with none.
        """
        if self._tracked.model is None:
            raise InvalidInputError(
                f"pipeline {self.name!r} has no model; @pipeline(model=Model(…)) gives it one"
            )
        return self._tracked.model


class StepContext(PipelineContext):
    """What a step's function may know of where it runs."""

    def __init__(self, step: StepRun) -> None:
        """Make it of a step that runs."""
        super().__init__(step.run)
        self._step = step

    @property
    def step_name(self) -> str:
        """The step's name within its run."""
        return self._step.name

    @property
    def model(self) -> Model:
        """The version of a model that the step is configured with, else its pipeline.

        Raises:
            InvalidInputError: It is configured with none.
        """
        if self._step.model is None:
            raise InvalidInputError(
                f"step {self.step_name!r} has no model, nor has its pipeline; @step(model=Model(…))"
                " or @pipeline(model=…) gives it one"
            )
        return self._step.model


def get_pipeline_context() -> PipelineContext:
    """What the pipeline's function that is running may know.

    Raises:
        InvalidInputError: No pipeline is running.
    """
    run = find_run()
    if run is None:
        raise InvalidInputError("no pipeline is running here; its context is there while it runs")
    return PipelineContext(run)


def get_step_context() -> StepContext:
    """What the step's function that is running may know.

    Raises:
        InvalidInputError: No step is running.
    """
    step = find_step()
    if step is None:
        raise InvalidInputError(
            "no step of a pipeline is running here; outside of a pipeline a step is an ordinary"
            " function"
        )
    return StepContext(step)


def current_outbox() -> Outbox:
    """What sends: the run's, which keeps what it cannot send; else one that fails then."""
    run = find_run()
    return Outbox(current()) if run is None else run.outbox


def send_metadata(records: Sequence[Mapping[str, Any]], model: Model | None = None) -> None:
    """Log values; a step remembers what it logs, for it may be taken as known.

    Args:
        records: The values.
        model: The version of a model that they are logged on, if they are.
    """
    step = find_step()
    if step is not None:
        step.run.show_step(step.name)
        step.logs(records, model)
    current_outbox().records(records)


def opaque(what: str) -> None:
    """Note that the step under way does what the cache cannot see or do again.

    Args:
        what: In words that follow on "the step".
    """
    step = find_step()
    if step is not None:
        step.effects.opaque.append(what)


def asked() -> Headwater:
    """The catalog, for what a step's own code asks of it or changes in it."""
    opaque("asks the catalog, or changes it")
    return current()


def find_run() -> Run | None:
    """The run that is under way, if one is.

    In a thread that was started with no context of its own, it is the only run that began before
    the thread did.
    """
    if _run.get() is not None:
        return own_run()
    runs = _begun_before()
    return runs[0] if len(runs) == 1 else None


def find_step() -> StepRun | None:
    """The step that is under way, if one is; in a thread as above, the only one of its run."""
    step = own_step()
    if step is not None or _run.get() is not None or (run := find_run()) is None:
        return step
    return run.at_work[0] if len(run.at_work) == 1 else None


def own_run() -> Run | None:
    """The run that is under way in this very context."""
    run = _run.get()
    return run if run is not None and run.is_here else None


def own_step() -> StepRun | None:
    """The step that is under way in this very context."""
    step = _step.get()
    return step if step is not None and step.run.is_here else None


@contextmanager
def entered(run: Run) -> Iterator[None]:
    """Let a run be the one that is under way."""
    token = _run.set(run)
    _active.append(run)
    try:
        yield
    finally:
        _active.remove(run)
        _run.reset(token)


def in_run(run: Run, function: Callable[[], R]) -> R:
    """Call a function in the context of a run, which a thread may lack."""
    if _run.get() is run or run.context is None:
        return function()
    return run.context.copy().run(function)


def warn_of_untracked(what: str) -> None:
    """Tell that a step is not recorded where it looks as if it should be."""
    known, is_main = _run.get(), threading.current_thread() is threading.main_thread()
    if known is not None and not known.is_here:
        why = f"it runs in a process of its own, and run {known.name} is another's"
    elif known is None and not is_main and any(each.is_here for each in _active):
        why = (
            "of the runs under way, not exactly one began before its thread, which is handed its"
            " run by pool.submit(contextvars.copy_context().run, step, …)"
        )
    else:
        return
    warnings.warn(f"{what} is not recorded: {why}", stacklevel=3)


def _begun_before() -> list[Run]:
    """The runs that began before this thread did, which may have started it."""
    here = threading.current_thread()
    return [each for each in _active if each.is_here and here not in each.threads_before]
