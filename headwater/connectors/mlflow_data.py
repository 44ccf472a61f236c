"""What versions were trained on: the datasets that their runs logged, as sources of features."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from headwater.connectors.dataset_match import DatasetMatcher, Match, Place
from headwater.connectors.mlflow_feature import features_of
from headwater.connectors.mlflow_model import ModelFiles
from headwater.connectors.mlflow_source import Dataset, MlflowRun
from headwater.connectors.run import Run

Request = dict[str, Any]


class TrainingData:
    """Finds the data of one version after the other; what stays open is reported once a model."""

    def __init__(self, run: Run, settled: Mapping[str, str]) -> None:
        """Make one.

        Args:
            settled: FQNs of what datasets are, by their name or digest.
        """
        self._run = run
        self._matcher = DatasetMatcher(run.hw, settled)
        self._matches: dict[tuple[str, ...], Match] = {}
        self._told: set[tuple[str, str]] = set()

    def of(
        self, model: str, files: ModelFiles, run: MlflowRun | None
    ) -> tuple[list[Request] | None, list[dict[str, str]]]:
        """Return a version's features with their sources, and references to what its run read.

        Sources are recorded once and for good, so they are told only when all data is known.

        Args:
            model: FQN, for the report.
        """
        features = None if files.signature is None else features_of(files.signature.get("inputs"))
        names = [each["name"] for each in features or ()]
        read: list[tuple[Place, Sequence[str]]] = []
        is_open = False
        for dataset in run.datasets() if run else ():
            taken = [n for n in names if dataset.columns is None or n in dataset.columns]
            match = self._match(dataset, taken or dataset.columns or ())
            reason = match.reason
            if match.place:
                read.append((match.place, taken))
                reason = reason or self._untaken(features, taken)
            is_open = is_open or match.place is None
            if reason:
                self._leave_open(model, dataset, reason)
        sources = [] if is_open else read
        inputs = list({place.fqn: place.reference for place, _ in read}.values())
        if features is None:
            return None, inputs
        return [_with_sources(each, sources) for each in features], inputs

    def _match(self, dataset: Dataset, wanted: Collection[str]) -> Match:
        place = json.dumps(dataset.source, sort_keys=True)
        key = (dataset.name, dataset.digest, place, *wanted)
        if key not in self._matches:
            self._matches[key] = self._matcher.match(dataset, wanted)
        return self._matches[key]

    def _untaken(self, features: Sequence[Request] | None, taken: Sequence[str]) -> str:
        if taken:
            return ""
        if not features:
            return "the model has no signature that names its features"
        return "none of its columns is a feature of the model"

    def _leave_open(self, model: str, dataset: Dataset, reason: str) -> None:
        name = dataset.name or dataset.digest
        if (key := (f"{model}, dataset {name}", reason)) not in self._told:
            self._told.add(key)
            self._run.leave_open(*key, line=0)


def _with_sources(feature: Request, read: Sequence[tuple[Place, Sequence[str]]]) -> Request:
    made = {name: feature[name] for name in ("name", "dataType")}
    kind = {"dataType": feature["sourceType"]} if "sourceType" in feature else {}
    sources = [
        {
            "name": place.columns.get(feature["name"].lower(), feature["name"]),
            "dataSource": place.reference,
            **kind,
        }
        for place, taken in read
        if feature["name"] in taken
    ]
    return made | ({"featureSources": sources} if sources else {})
