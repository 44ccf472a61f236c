"""Where the code that asks is: in a pipeline's run, in a step of it, or in neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from headwater.errors import InvalidInputError
from headwater.tracking.connection import current
from headwater.tracking.outbox import Outbox

if TYPE_CHECKING:
    from headwater.tracking.model import Model
    from headwater.tracking.run import Run
    from headwater.tracking.step_run import StepRun

_run: ContextVar[Run | None] = ContextVar("headwater_run", default=None)
_step: ContextVar[StepRun | None] = ContextVar("headwater_step", default=None)


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
        return self._tracked.id

    @property
    def run_name(self) -> str:
        """The run's name."""
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


def send_metadata(records: Sequence[Mapping[str, Any]]) -> None:
    """Log values; a step remembers what it logs on its own model, for it may be taken as known."""
    step = find_step()
    if step is not None:
        step.run.show_step(step.name)
    if step is not None and step.model is not None:
        own = f"modelVersion:{step.model.id}"
        here = (each for each in records if each["entity"] == own)
        step.logged |= {each["key"]: each["data"]["value"] for each in here}
    current_outbox().records(records)


def find_run() -> Run | None:
    """The run that is under way, if one is."""
    return _run.get()


def find_step() -> StepRun | None:
    """The step that is under way, if one is."""
    return _step.get()
