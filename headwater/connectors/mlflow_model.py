"""What the files of a model version tell: its estimator's class and its signature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from headwater.connectors.mlflow_client import ArtifactError, MlflowClient
from headwater.connectors.mlflow_source import MlflowRun, Version
from headwater.connectors.pickle_class import class_in_pickle, class_in_skops

UNKNOWN = "unknown"
ALGORITHM_TAGS = ("estimator_class", "estimator_name")
"""Tags of runs that name the estimator, by autologging; the first that is there counts."""
_MOST_MLMODEL = 2**22  # bytes
_MOST_PICKLE = 2**26
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where it was built
_WRAPPERS = frozenset(
    {"Pipeline", "GridSearchCV", "RandomizedSearchCV", "TransformedTargetRegressor"}
)
_OF_ONE_CLASS = {"prophet": "Prophet", "isolation_forest": "IsolationForest"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What they tell.

    Attributes:
        algorithm: Name of the estimator's class; ``unknown`` where nothing tells it, None where it
            could not be read this time.
        signature: ``inputs``, ``outputs`` and ``params``, parsed; None like the algorithm.
        fault: Why they could not be read.
    """

    algorithm: str | None
    signature: Json | None = field(default_factory=dict)
    fault: str = ""


def read_files(client: MlflowClient, version: Version, run: MlflowRun | None) -> ModelFiles:
    """Read the files of a version, as few as it takes.

    Raises:
        SourceError: The server cannot be reached.
    """
    if client.is_databricks:  # it gives them by other means
        return ModelFiles(_tagged(run, ()), None)
    try:
        about = _mlmodel(client, version)
    except ArtifactError as error:
        return ModelFiles(_tagged(run, ()), None, f"its MLmodel: {error}")
    flavors = about.get("flavors")
    flavors = flavors if isinstance(flavors, dict) else {}
    algorithm = _named(flavors) or _tagged(run, flavors)
    fault = ""
    if algorithm is None and isinstance(sklearn := flavors.get("sklearn"), dict):
        try:
            algorithm = _in_file(client, version, sklearn)
        except ArtifactError as error:
            fault = f"its estimator: {error}"
    return ModelFiles(algorithm or UNKNOWN, _signature(about.get("signature")), fault)


def _mlmodel(client: MlflowClient, version: Version) -> Json:
    content = client.artifact(version.model, str(version.number), "MLmodel", most=_MOST_MLMODEL)
    try:
        # A safe loader: it makes plain data only.
        about = yaml.load(content, Loader=_Loader)  # noqa: S506
    except yaml.YAMLError:
        about = None
    if not isinstance(about, dict):
        raise ArtifactError("it is no YAML")
    return about


def _named(flavors: Mapping[str, Any]) -> str | None:
    """The class that a flavor names, most libraries' own in ``model_class``."""
    for name, flavor in flavors.items():
        if not isinstance(flavor, dict) or name == "python_function":
            continue
        if name == "catboost":
            named = flavor.get("model_type")
        elif name == "transformers":
            named = flavor.get("pipeline_model_type")
        else:
            named = flavor.get("model_class") or _OF_ONE_CLASS.get(name)
        if isinstance(named, str) and named:
            return _bare(named)
    return None


def _tagged(run: MlflowRun | None, flavors: Mapping[str, Any] | tuple[()]) -> str | None:
    """The class that autologging noted at the run, where it speaks of this model."""
    if run is None or not run.is_of_one_model or (flavors and "sklearn" not in flavors):
        return None
    named = _bare(next(filter(None, map(run.tags.get, ALGORITHM_TAGS)), ""))
    return named if named and named not in _WRAPPERS else None


def _in_file(client: MlflowClient, version: Version, sklearn: Json) -> str | None:
    path = str(sklearn.get("pickled_model") or "model.pkl")
    content = client.artifact(version.model, str(version.number), path, most=_MOST_PICKLE)
    is_skops = sklearn.get("serialization_format") == "skops" or path.endswith(".skops")
    return class_in_skops(content) if is_skops else class_in_pickle(content)


def _signature(raw: Any) -> Json:
    if not isinstance(raw, dict):
        return {}
    found = {name: _parsed(raw.get(name)) for name in ("inputs", "outputs", "params")}
    return {name: value for name, value in found.items() if value is not None}


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _bare(name: str) -> str:
    return name.rpartition(".")[2]
