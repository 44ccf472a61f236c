"""Pipelines configured by YAML: which model, whether to cache, parameters, and the same by step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.errors import InvalidInputError, NotFoundError
from headwater.tracking.check import check_name
from headwater.tracking.model import Model

_PIPELINE = ("name", "model", "enable_cache", "parameters", "steps")
_STEP = ("name", "model", "enable_cache", "parameters")
_MODEL = (
    "name", "version", "license", "description", "tags", "create_new_model_version",
    "delete_new_version_on_failure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a pipeline is configured with; None: as the code says.

    Attributes:
        steps: The same of steps, by their name: ``name``, ``model``, ``enable_cache``,
            ``parameters``.
    """

    name: str | None = None
    model: Model | None = None
    enable_cache: bool | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def over(self, other: Configuration) -> Configuration:
        """This configuration, and the other where this one says nothing."""
        steps = {
            name: {**other.steps.get(name, {}), **self.steps.get(name, {})}
            for name in {**other.steps, **self.steps}
        }
        return Configuration(
            self.name or other.name,
            self.model or other.model,
            other.enable_cache if self.enable_cache is None else self.enable_cache,
            {**other.parameters, **self.parameters},
            steps,
        )


def read_configuration(path: str | Path) -> Configuration:
    """Read a file.

    Raises:
        NotFoundError: There is none.
        InvalidInputError: It is not YAML, or says what a pipeline does not know.
    """
    import yaml

    file = Path(path)
    if not file.exists():
        raise NotFoundError(f"there is no file {str(file)!r}")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{file} is not YAML: {error}") from error
    return configuration_of({} if content is None else content, str(file))


def configuration_of(content: Any, where: str) -> Configuration:
    """The configuration that a YAML document is.

    Raises:
        InvalidInputError: It says what a pipeline does not know.
    """
    known = _known(content, _PIPELINE, where)
    steps = known.pop("steps", None)
    steps = {} if steps is None else steps
    if not isinstance(steps, Mapping):
        raise InvalidInputError(f"{where}: steps is a mapping of steps' names")
    return Configuration(
        **_options(known, where),
        steps={
            name: _options(_known(each, _STEP, f"{where}: steps.{name}"), f"{where}: steps.{name}")
            for name, each in steps.items()
        },
    )


def _options(known: dict[str, Any], where: str) -> dict[str, Any]:
    if "model" in known:
        about = known["model"]
        model = {"name": about} if isinstance(about, str) else about
        arguments = _known(model, _MODEL, f"{where}: model")
        if "name" not in arguments:
            raise InvalidInputError(f"{where}: model has no name")
        known["model"] = Model(**arguments)
    if "name" in known:
        check_name(known["name"], where)
    if not isinstance(known.get("enable_cache", True), bool):
        raise InvalidInputError(f"{where}: enable_cache is true or false")
    _known(known.get("parameters", {}), None, f"{where}: parameters")
    return known


def _known(content: Any, names: Collection[str] | None, where: str) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise InvalidInputError(f"{where}: a mapping is expected, not {content!r}")
    unknown = [] if names is None else [str(name) for name in content if name not in names]
    if unknown:
        raise InvalidInputError(
            f"{where}: {', '.join(unknown)} is not known; there is {', '.join(names or ())}"
        )
    return dict(content)
