"""``@step``: a function that is recorded when it is called in a pipeline."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, overload

from headwater.errors import InvalidInputError
from headwater.tracking.argument import bind
from headwater.tracking.check import check_function, check_model, check_options
from headwater.tracking.context import find_run, in_run, own_step, warn_of_untracked
from headwater.tracking.execution import execute
from headwater.tracking.model import Model
from headwater.tracking.output import Outputs, outputs_of
from headwater.tracking.run import Run

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class StepOptions:
    """How a step is recorded; None: as its pipeline says.

    Attributes:
        name: Its name in runs; the function's unless given.
        model: The version of a model that what it makes is linked to.
        enable_cache: Whether what an equal step of an earlier run made is taken.
        parameters: Arguments in place of defaults.
        trusted: Names of types of estimators that may be loaded for it; see ``step``.
        is_cached_by_itself: Whether ``enable_cache`` was said of the step, not of its pipeline.
    """

    name: str | None = None
    model: Model | None = None
    enable_cache: bool | None = None
    parameters: Mapping[str, Any] | None = None
    trusted: Sequence[str] = ()
    is_cached_by_itself: bool = False


class Step(Generic[R]):
    """A function that is recorded when a pipeline calls it; elsewhere it is just the function."""

    def __init__(self, function: Callable[..., R], options: StepOptions) -> None:
        """Make it of a function; see ``step``."""
        check_function(function, "step")
        check_model(options.model)
        check_options("a step", options.name, options.enable_cache)
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options
        self.signature = inspect.signature(function)
        self.outputs: Outputs = outputs_of(function)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """The step of an object whose method it is."""
        return self if instance is None else functools.partial(self, instance)

    def __reduce__(self) -> str:
        return self.function.__qualname__  # as a function is handed to another process: by its name

    @property
    def name(self) -> str:
        """Its name in runs."""
        return self.options.name or self.function.__name__

    def with_options(
        self,
        *,
        name: str | None = None,
        model: Model | None = None,
        enable_cache: bool | None = None,
        parameters: Mapping[str, Any] | None = None,
        trusted: Sequence[str] = (),
    ) -> Step[R]:
        """The same step with other options; those that are not given stay."""
        return Step(
            self.function,
            StepOptions(
                name or self.options.name,
                model or self.options.model,
                self.options.enable_cache if enable_cache is None else enable_cache,
                {**(self.options.parameters or {}), **(parameters or {})} or None,
                trusted or self.options.trusted,
            ),
        )

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """Run the function; in a pipeline, record it.

        Beside the function's own arguments, a call in a pipeline takes ``after``: the name of a
        step that must have completed, or a list of such, and ``id``: the step's name in this run.

        Raises:
            InvalidInputError: A step of ``after`` has not completed.
        """
        own = self._own(kwargs)
        run = find_run()
        if run is None or own_step() is not None:
            warn_of_untracked(f"step {self.name!r}")
            return self.function(*args, **kwargs)
        return in_run(run, lambda: self._recorded(run, own, args, kwargs))

    # Inside

    def _recorded(
        self, run: Run, own: Mapping[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> R:
        """Run the function as a step of a run."""
        options = _configured(self, run)
        name = str(own.get("id") or options.name or self.name)
        check_after(run, name, own.get("after"))
        said = options.parameters or {}
        bound = bind(self.signature, args, kwargs, said, f"step {self.name!r}")
        result: R = execute(self, run, name, options, bound)
        return result

    def _own(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take out what the call says to the step, and not to its function."""
        free = {"after", "id"} - set(self.signature.parameters)
        return {name: kwargs.pop(name) for name in free & set(kwargs)}


@overload
def step(function: Callable[..., R], /) -> Step[R]: ...
@overload
def step(
    *,
    name: str | None = None,
    model: Model | None = None,
    enable_cache: bool | None = None,
    trusted: Sequence[str] = (),
) -> Callable[[Callable[..., R]], Step[R]]: ...
def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    model: Model | None = None,
    enable_cache: bool | None = None,
    trusted: Sequence[str] = (),
) -> Any:
    """Make a step of a function: called in a pipeline, it runs at once and is recorded.

    What it returns is kept as artifacts, of the names that its annotation gives
    (``-> Annotated[T, "trained_model"]``), and handed on as it is. Outside of a pipeline, and
    within another step, it is just the function.

    Args:
        function: The function, where the decorator has no arguments.
        name: Its name in runs; the function's unless given.
        model: The version of a model that what it makes is linked to, in place of the pipeline's.
        enable_cache: Whether it is not run where an earlier run has a completed step of equal code,
            parameters and contents of inputs; what that made is taken. As the pipeline says, unless
            given. Said here, that goes for what the cache cannot see, too: what the step reads of
            a database, what it asks of the catalog or changes in it.
        trusted: Names of types of estimators, beside those known as safe, that may be loaded for
            it: of artifacts that it is given, and of what an equal step made.
    """
    options = StepOptions(name, model, enable_cache, trusted=trusted)
    if function is None:
        return lambda decorated: Step(decorated, options)
    return Step(function, options)


def check_after(run: Run, step: str, after: Any) -> None:
    """Hold a step to those that must have completed before it.

    Raises:
        InvalidInputError: One has not, or it is no step.
    """
    wanted = _names(step, after)
    missing = [each for each in wanted if each not in run.document.completed_steps()]
    if missing:
        done = ", ".join(run.document.completed_steps()) or "none"
        raise InvalidInputError(
            f"step {step!r} comes after {', '.join(missing)}, which has not completed in"
            f" this run; completed: {done}"
        )


def _names(step: str, after: Any) -> list[str]:
    """Names of steps; one that is not in a list is one, and a step is known by its name."""
    listed = list(after) if isinstance(after, (list, tuple, set, frozenset)) else [after]
    names = [each.name if isinstance(each, Step) else each for each in listed if after is not None]
    if wrong := [each for each in names if not isinstance(each, str)]:
        raise InvalidInputError(
            f"step {step!r} comes after steps, by their names: after=['load'], and not"
            f" {type(wrong[0]).__name__}"
        )
    return names


def _configured(step: Step[Any], run: Run) -> StepOptions:
    """The options of a step in a run: what the pipeline's configuration says goes first."""
    run.configured.add(step.name)
    said = run.configuration.steps.get(step.name, {})
    options = replace(step.options, **{k: each for k, each in said.items() if k != "parameters"})
    return replace(
        options,
        enable_cache=(
            run.configuration.enable_cache if options.enable_cache is None else options.enable_cache
        ),
        is_cached_by_itself=bool(options.enable_cache),
        parameters={**(options.parameters or {}), **said.get("parameters", {})},
    )
