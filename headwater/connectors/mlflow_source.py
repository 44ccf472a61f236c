"""What an MLflow server has, as plain data: models, versions, and the runs that trained them.

What the catalog makes of them is not here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

from headwater.connectors.mlflow_client import MlflowClient

_IDS = 500
"""How many runs one question names."""
_MOST = {"registered-models": 1_000, "model-versions": 200_000, "experiments": 50_000}
_MOST_RUNS = 50_000
_MOST_OF_ONE = 10_000
"""How many versions Databricks answers of one model."""
_AT_ONCE = 8
"""How many single things are asked for at once."""

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a registered model, as MLflow's search answers it."""

    model: str
    number: int
    raw: Json

    @property
    def run_id(self) -> str:
        """Of the run that made it; empty where it has none."""
        return str(self.raw.get("run_id") or "")

    @property
    def source(self) -> str:
        """Where its files are said to lie."""
        return str(self.raw.get("source") or "")

    @property
    def storage(self) -> str:
        """Where they lie, of a copy those of the version that it copies, as far as it is known."""
        return str(self.raw.get("artifact_uri") or self.source)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that a run logged as its input.

    Attributes:
        context: What it was for, such as ``training``; empty unless said.
        source: What MLflow knows of its place: ``uri``, ``url``, ``path``, ``table_name``, ….
        columns: Names of its columns; None where it does not tell them.
    """

    name: str
    digest: str
    context: str
    source_type: str
    source: Json
    columns: tuple[str, ...] | None


class MlflowRun:
    """A run, as MLflow's search answers it.

    Attributes:
        experiment: Name of its experiment.
        is_of_one_model: Whether it logged no more than one, which its tags then speak of.
    """

    def __init__(self, raw: Json, experiment: str) -> None:
        self.info: Json = raw["info"]
        self.experiment = experiment
        data = raw.get("data") or {}
        self.tags = {each["key"]: str(each.get("value", "")) for each in data.get("tags", ())}
        self.params = {each["key"]: str(each.get("value", "")) for each in data.get("params", ())}
        self.metrics: Sequence[Json] = data.get("metrics", ())
        self._inputs: Sequence[Json] = (raw.get("inputs") or {}).get("dataset_inputs", ())
        outputs = (raw.get("outputs") or {}).get("model_outputs", ())
        noted = _parsed(self.tags.get("mlflow.log-model.history", "[]"))  # MLflow 2 does
        self.is_of_one_model = max(len(outputs), len(noted or ())) <= 1

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.info["run_id"])

    def datasets(self) -> list[Dataset]:
        """What it was trained on: inputs for training where some are said to be, else all."""
        inputs = [_dataset(each) for each in self._inputs]
        return [each for each in inputs if each.context.lower().startswith("train")] or inputs


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that is read.

    Attributes:
        models: Registered models by name.
        versions: All versions of them, by model and number.
        runs: Those of the versions, by id; a run that is gone is not there.
    """

    models: Mapping[str, Json]
    versions: Sequence[Version]
    runs: Mapping[str, MlflowRun]

    def run_of(self, version: Version) -> MlflowRun | None:
        """The run that made a version, where it is known."""
        return self.runs.get(version.run_id)


def read_registry(client: MlflowClient) -> Registry:
    """Read all registered models, their versions and runs, every page to the end.

    Raises:
        SourceError: The server cannot be reached or read.
    """
    models = {each["name"]: each for each in search_all(client, "registered-models")}
    versions = [
        Version(each["name"], int(each["version"]), each)
        for each in read_versions(client, models)
        if each["name"] in models  # else it is newer than the list of models
    ]
    versions.sort(key=lambda each: (each.model, each.number))
    run_ids = dict.fromkeys(each.run_id for each in versions if each.run_id)
    return Registry(models, versions, _runs(client, list(run_ids)))


def search_all(client: MlflowClient, what: str, *, filter: str | None = None) -> Iterator[Json]:
    """Yield all that a search finds, at the largest pages.

    Args:
        client: The server.
        what: ``registered-models`` or ``model-versions``.
        filter: What to find, in MLflow's words.

    Raises:
        SourceError: The server cannot be reached or read.
    """
    return client.search(what, what.replace("-", "_"), most=_MOST[what], filter=filter)


def read_versions(client: MlflowClient, models: Iterable[str]) -> Iterator[Json]:
    """Yield the versions of all models, as the server answers them.

    Raises:
        SourceError: The server cannot be reached or read.
    """
    if not client.is_databricks:
        return search_all(client, "model-versions")

    # There a search has to say of which model (https://github.com/mlflow/mlflow/issues/7967).
    def of(model: str) -> list[Json]:
        quote = '"' if "'" in model else "'"
        asked = f"name={quote}{model}{quote}"
        found = client.search("model-versions", "model_versions", most=_MOST_OF_ONE, filter=asked)
        return list(found)

    return chain.from_iterable(_at_once(of, models))


def _at_once(ask: Callable[[str], T], names: Iterable[str]) -> list[T]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(ask, names))


def _runs(client: MlflowClient, ids: Sequence[str]) -> dict[str, MlflowRun]:
    if not ids:
        return {}
    body = {"view_type": "ALL"}
    found = client.search("experiments", "experiments", most=_MOST["experiments"], body=body)
    experiments = {str(each["experiment_id"]): str(each["name"]) for each in found}
    runs: dict[str, MlflowRun] = {}
    for raw in _raw_runs(client, ids, list(experiments)):
        experiment = str(raw["info"]["experiment_id"])
        run = MlflowRun(raw, experiments.get(experiment, experiment))
        runs[run.id] = run
    return runs


def _raw_runs(
    client: MlflowClient, ids: Sequence[str], experiments: Sequence[str]
) -> Iterator[Json]:
    missing = dict.fromkeys(ids)
    # Databricks' search compares params, metrics and tags alone.
    for at in range(0, 0 if client.is_databricks else len(ids), _IDS):
        quoted = ", ".join(f"'{each}'" for each in ids[at : at + _IDS] if each.isalnum())
        body = {
            "experiment_ids": experiments,
            "filter": f"attributes.run_id IN ({quoted})",
            "run_view_type": "ALL",
        }
        for raw in client.search("runs", "runs", most=_MOST_RUNS, body=body):
            missing.pop(raw["info"]["run_id"], None)
            yield raw
    # Those that are gone, too, and those of experiments that are not listed.
    for found in _at_once(lambda each: client.find("runs/get", {"run_id": each}), missing):
        if found:
            yield found["run"]


def _dataset(raw: Json) -> Dataset:
    about = raw.get("dataset") or {}
    tags = {each["key"]: str(each.get("value", "")) for each in raw.get("tags", ())}
    source = _parsed(about.get("source") or "")
    return Dataset(
        name=str(about.get("name") or ""),
        digest=str(about.get("digest") or ""),
        context=tags.get("mlflow.data.context", ""),
        source_type=str(about.get("source_type") or ""),
        source=source if isinstance(source, dict) else {"uri": str(about.get("source") or "")},
        columns=_columns(_parsed(about.get("schema") or "")),
    )


def _columns(schema: Any) -> tuple[str, ...] | None:
    columns = schema.get("mlflow_colspec") if isinstance(schema, dict) else None
    if not isinstance(columns, list):
        return None
    return tuple(_names(columns))


def _names(columns: Iterable[Any]) -> Iterator[str]:
    for each in columns:
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            yield each["name"]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
