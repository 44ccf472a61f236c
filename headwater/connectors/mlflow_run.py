"""One run of the MLflow connector: what the server has becomes what the catalog has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from headwater.connectors.mlflow import Config
from headwater.connectors.mlflow_client import MlflowClient
from headwater.connectors.mlflow_data import TrainingData
from headwater.connectors.mlflow_known import KnownFiles
from headwater.connectors.mlflow_model import UNKNOWN, ModelFiles, read_files
from headwater.connectors.mlflow_request import TAGS, Request, Requests, metrics
from headwater.connectors.mlflow_source import Registry, Version, read_registry
from headwater.connectors.mlflow_stage import StageWriter
from headwater.connectors.run import Run, request_fqn
from headwater.errors import NotFoundError
from headwater.schemas import kind as kind_of

_AT_ONCE = 8
"""How many files are asked for at once."""


def read(config: Config, run: Run) -> None:
    """See ``headwater.connectors.mlflow.Config.read``."""
    with MlflowClient(config) as client:
        registry, requests = read_registry(client), Requests(config, client.url)
        known = KnownFiles(run, requests, registry)
        files = _files(client, registry, known)
        if client.is_databricks:
            run.note(
                "Databricks serves no files of models: algorithms are those that autologging noted,"
                " and there are no signatures"
            )
    if registry.models:
        known.note(files, _Writer(run, config, requests, registry).write(files))


def _files(client: MlflowClient, registry: Registry, known: KnownFiles) -> list[ModelFiles]:
    """What the files of each version tell; those of one place and run are read once."""
    found = [known.find(each) for each in registry.versions]
    places = [
        (each.source or f"{each.model}/{each.number}", each.run_id) for each in registry.versions
    ]
    unread = {
        place: version
        for place, version, its in zip(places, registry.versions, found, strict=True)
        if its is None
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = pool.map(
            lambda each: read_files(client, each, registry.run_of(each)), unread.values()
        )
        by_place = dict(zip(unread, read, strict=True))
    return [
        by_place[place] if its is None else its for place, its in zip(places, found, strict=True)
    ]


class _Writer:
    """Writes what was read, parents first, and what the versions of all models have in bulk."""

    def __init__(self, run: Run, config: Config, requests: Requests, registry: Registry) -> None:
        self._run = run
        self._requests = requests
        self._registry = registry
        self._data = TrainingData(run, config.datasets)
        self._stages = StageWriter(run, config.production_alias)

    def write(self, files: list[ModelFiles]) -> Collection[str]:
        """Write everything; return the FQNs of versions that the catalog has.

        Args:
            files: Those of the registry's versions.
        """
        run, requests = self._run, self._requests
        models, runs = requests.services()
        run.put("mlmodelService", [models])
        if self._registry.runs:
            run.put("pipelineService", [runs])
        self._write_tags()
        known = self._known_models()
        written = self._write_models(known)
        described = list(self._described(files))
        self._write_runs({each.run_id: inputs for each, _, inputs in described})
        versions = self._write_versions([(v, request) for v, request, _ in described], written)
        run.put_records(
            [
                record
                for fqn, version in versions.items()
                if (of := self._registry.run_of(version))
                for record in metrics(of, fqn)
            ]
        )
        self._write_stages(known, versions)
        run.enumerated("mlmodel", requests.service)
        run.enumerated("modelVersion", requests.service)
        return versions

    # Inside

    def _known_models(self) -> dict[str, Any]:
        """The models that the catalog has, by FQN."""
        try:
            found = [
                e.to_wire() for e in self._run.hw.list("mlmodel", parent=self._requests.service)
            ]
        except NotFoundError:  # a preview of the first run
            return {}
        return {each["fullyQualifiedName"]: each for each in found}

    def _write_tags(self) -> None:
        raws = [*self._registry.models.values(), *(each.raw for each in self._registry.versions)]
        tags = sorted({name for raw in raws for name in self._requests.tag_names(raw)})
        if tags:
            about = "Tags of MLflow's models and versions, as `key=value`."
            self._run.put("classification", [{"name": TAGS, "description": about}])
            self._run.put("tag", [{"name": name, "classification": TAGS} for name in tags])

    def _write_models(self, known: Mapping[str, Any]) -> set[str]:
        requests = []
        for name, raw in self._registry.models.items():
            there = known.get(self._requests.model_fqn(name), {})
            requests.append(self._requests.model(raw, there.get("algorithm", UNKNOWN)))
        return self._put("mlmodel", requests, found=True)

    def _described(
        self, files: list[ModelFiles]
    ) -> Iterator[tuple[Version, Request, list[dict[str, str]]]]:
        """Each version with its request, and with references to what its run read."""
        for version, its in zip(self._registry.versions, files, strict=True):
            run, model = self._registry.run_of(version), self._requests.model_fqn(version.model)
            features, inputs = self._data.of(model, its, run)
            if its.fault:
                self._run.leave_open(self._requests.version_fqn(version), its.fault, line=0)
            yield version, self._requests.version(version, run, its, features), inputs

    def _write_runs(self, inputs: Mapping[str, list[dict[str, str]]]) -> None:
        runs = self._registry.runs.values()
        experiments = sorted({each.experiment for each in runs})
        self._run.put("pipeline", [self._requests.pipeline(each) for each in experiments])
        requests = [self._requests.run(each, inputs.get(each.id, [])) for each in runs]
        self._put("pipelineRun", requests)

    def _write_versions(
        self, asked: list[tuple[Version, Request]], models: set[str]
    ) -> dict[str, Version]:
        """Write versions, of each model one at a time by number; return those written by FQN.

        Two of one model in one commit would be two commits: each writes its model, too.
        """
        rounds: dict[int, list[Request]] = defaultdict(list)
        turn: dict[str, int] = defaultdict(int)
        by_fqn: dict[str, Version] = {}
        for version, request in asked:
            fqn = self._requests.version_fqn(version)
            by_fqn[fqn] = version
            if request["mlmodel"] in models:
                rounds[turn[version.model]].append(request)
                turn[version.model] += 1
            else:
                self._run.saw("modelVersion", fqn)
        written: set[str] = set()
        for requests in rounds.values():
            written |= self._put("modelVersion", requests)
        return {fqn: version for fqn, version in by_fqn.items() if fqn in written}

    def _write_stages(self, known: Mapping[str, Any], versions: Mapping[str, Version]) -> None:
        by_model: dict[str, dict[str, Version]] = defaultdict(dict)
        for fqn, version in versions.items():
            by_model[version.model][fqn] = version
        for name, its in by_model.items():
            there = known.get(self._requests.model_fqn(name))
            self._stages.write(self._registry.models[name], there, its)

    def _put(self, kind: str, requests: list[Request], *, found: bool = False) -> set[str]:
        """Put entities; a preview leaves out tags and runs that are not there yet."""
        if not self._run.options.preview:
            return self._run.put(kind, requests, found=found)
        asked = [self._without_planned(each) for each in requests]
        there = self._run.put(kind, asked, found=found)
        for request, kept in zip(requests, asked, strict=True):
            fqn = request_fqn(kind_of(kind), request)
            left_out = [field for field in ("tags", "run") if kept.get(field) != request.get(field)]
            if left_out and fqn in there and not self._run.is_planned(kind, fqn):
                self._run.changed(kind, fqn, *left_out)
        return there

    def _without_planned(self, request: Request) -> Request:
        run, kept = self._run, dict(request)
        if "tags" in kept:
            kept["tags"] = [tag for tag in kept["tags"] if not run.is_planned("tag", tag)]
        if "run" in kept and run.is_planned("pipelineRun", kept["run"]):
            del kept["run"]
        return kept
