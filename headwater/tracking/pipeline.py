"""``@pipeline``: a function whose calls are recorded as runs, with the steps that it calls."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, overload

from headwater.tracking.argument import bind
from headwater.tracking.check import check_function, check_model, check_options
from headwater.tracking.configuration import Configuration, read_configuration
from headwater.tracking.connection import current
from headwater.tracking.context import entered, own_run
from headwater.tracking.environment import code_version
from headwater.tracking.model import Model
from headwater.tracking.run import Run

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline(Generic[P, R]):
    """A function whose calls are recorded as runs."""

    def __init__(self, function: Callable[P, R], configuration: Configuration) -> None:
        """Make it of a function; see ``pipeline``."""
        check_function(function, "pipeline")
        check_model(configuration.model)
        check_options("a pipeline", configuration.name, configuration.enable_cache)
        functools.update_wrapper(self, function)
        self.function = function
        self.configuration = configuration
        self._signature = inspect.signature(function)

    def __reduce__(self) -> str:
        return self.function.__qualname__  # as a function is handed to another process: by its name

    @property
    def name(self) -> str:
        """Its name in the catalog."""
        return self.configuration.name or self.function.__name__

    def with_options(
        self,
        *,
        config_path: str | Path | None = None,
        name: str | None = None,
        model: Model | None = None,
        enable_cache: bool | None = None,
    ) -> Pipeline[P, R]:
        """The same pipeline with other options; those that are not given stay.

        Args:
            config_path: A YAML file with any of ``name``, ``model``, ``enable_cache``,
                ``parameters`` and ``steps``; what it says goes before the decorator, of a step too.
            name: See ``pipeline``.
            model: See ``pipeline``.
            enable_cache: See ``pipeline``.

        Raises:
            NotFoundError: There is no such file.
            InvalidInputError: It says what a pipeline does not know.
        """
        known = self.configuration
        if config_path is not None:
            known = read_configuration(config_path).over(known)
        given = Configuration(name, model, enable_cache)
        return Pipeline(self.function, given.over(known))

    def configure(self, **options: Any) -> Pipeline[P, R]:
        """Give the pipeline itself other options; see ``with_options``."""
        self.configuration = self.with_options(**options).configuration
        return self

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function, and record the run; within another pipeline's run, as part of that.

        Raises:
            ClientError: The catalog cannot be reached.
        """
        said = self.configuration.parameters
        bound = bind(self._signature, args, kwargs, said, f"pipeline {self.name!r}")
        if (outer := own_run()) is not None:
            self._warn_of_unused(outer)
            return self.function(*bound.args, **bound.kwargs)
        run = Run(
            current(),
            self.name,
            parameters=bound.arguments,
            configuration=self.configuration,
            code_version=code_version(self.function),
        )
        run.start()
        try:
            with entered(run), run.capture():
                if self.configuration.model is not None:
                    run.use_model(self.configuration.model)
                result = self.function(*bound.args, **bound.kwargs)
            run.end()
        except BaseException as error:
            run.fail(error)
            raise
        run.warn_of_unused()
        return result

    def _warn_of_unused(self, outer: Run) -> None:
        said = self.configuration
        unused = {"model": said.model, "enable_cache": said.enable_cache, "steps": said.steps}
        if named := [name for name, each in unused.items() if each]:
            warnings.warn(
                f"pipeline {self.name!r} is part of a run of {outer.pipeline!r}, whose"
                f" configuration counts: its own {', '.join(named)} does not; steps may have models"
                " of their own",
                stacklevel=3,
            )


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...
@overload
def pipeline(
    *,
    name: str | None = None,
    model: Model | None = None,
    enable_cache: bool | None = None,
) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...
def pipeline(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    model: Model | None = None,
    enable_cache: bool | None = None,
) -> Any:
    """Make a pipeline of a function: its calls are recorded as runs, with the steps it calls.

    It runs where it is called, as the ordinary Python that it is. The catalog has to be reached
    when it starts; one that goes away later holds up nothing.

    Args:
        function: The function, where the decorator has no arguments.
        name: Its name in the catalog; the function's unless given.
        model: The version of a model that it makes or uses; all that its steps make is linked.
        enable_cache: Whether its steps take what equal ones of earlier runs made; see ``step``.
    """
    configuration = Configuration(name, model, enable_cache)
    if function is None:
        return lambda decorated: Pipeline(decorated, configuration)
    return Pipeline(function, configuration)
