"""Moves an MLflow registry into the one that Headwater is to MLflow's clients.

Models with all their versions and numbers, descriptions, tags, stages, aliases, and when all of it
was. Not runs: those stay where they are. What is here already is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from headwater.connectors.mlflow import Config
from headwater.connectors.mlflow_client import MlflowClient
from headwater.connectors.mlflow_model import UNKNOWN, ModelFiles
from headwater.connectors.mlflow_request import Request, Requests
from headwater.connectors.mlflow_source import Version, read_versions, search_all
from headwater.connectors.mlflow_stage import StageWriter
from headwater.connectors.report import Report
from headwater.connectors.run import Run, RunOptions
from headwater.errors import NotFoundError
from headwater.sdk import Headwater

TYPE = "mlflow-registry"
REGISTRATION, TAG = "mlflow", "mlflowTag"
"""Types of the records that the registry protocol reads; see docs/mlflow-registry.md."""
_PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
_NOT_READ = ModelFiles(None, None)

Json = dict[str, Any]


def migrate(
    hw: Headwater, config: Config, *, service: str, options: RunOptions | None = None
) -> Report:
    """Move a registry. A second run over an unchanged server writes nothing.

    Args:
        hw: The catalog.
        config: The server, and the alias whose version counts as in production.
        service: Name of the service that the registry is here.
        options: How it goes; nothing is deleted in any case.

    Raises:
        SourceError: The server cannot be reached or read. The message has no secret.
        ClientError: The catalog cannot be reached.
    """
    run = Run(hw, type=TYPE, service=service, options=options)
    config = config.model_copy(update={"service": service, "tag_keys": ()})
    return run.execute(lambda run: _Migration(config, run).go())


class _Migration:
    def __init__(self, config: Config, run: Run) -> None:
        self._config = config
        self._run = run

    def go(self) -> None:
        """Read everything, and write it parents first."""
        run = self._run
        with MlflowClient(self._config) as client:
            requests = Requests(self._config, client.url)
            models = {each["name"]: each for each in _models(client)}
            raw_versions = [_located(client, each) for each in _versions(client, models)]
        self._ensure_service(requests.service)
        known = self._known("mlmodel", requests.service)
        models = {
            name: raw
            for name, raw in models.items()
            if self._is_free(requests.model(raw, ""), known.get(requests.model_fqn(name)), raw)
        }
        found = [Version(each["name"], int(each["version"]), each) for each in raw_versions]
        versions = sorted(
            (v for v in found if v.model in models), key=lambda v: (v.model, v.number)
        )
        there = set(known) | set(self._known("modelVersion", requests.service))
        asked = [
            requests.model(raw, known.get(requests.model_fqn(name), {}).get("algorithm", UNKNOWN))
            for name, raw in models.items()
        ]
        written = run.put("mlmodel", asked, found=True)
        by_fqn = {requests.version_fqn(each): each for each in versions}
        written |= self._write_versions(requests, versions)
        of = defaultdict[str, dict[str, Version]](dict)
        for fqn, version in by_fqn.items():
            if fqn in written:
                of[version.model][fqn] = version
        stages = StageWriter(run, self._config.production_alias)
        for name, its in of.items():
            stages.write(models[name], known.get(requests.model_fqn(name)), its)
        raws = {f"mlmodel:{requests.model_fqn(name)}": raw for name, raw in models.items()}
        raws |= {f"modelVersion:{fqn}": version.raw for fqn, version in by_fqn.items()}
        self._write_records(
            {k: r for k, r in raws.items() if k.partition(":")[2] in written}, there
        )

    # Inside

    def _ensure_service(self, service: str) -> None:
        try:
            self._run.hw.get("mlmodelService", service)
        except NotFoundError:
            about = {"name": str(self._config.service), "serviceType": "Mlflow"}
            self._run.put("mlmodelService", [about])

    def _known(self, kind: str, service: str) -> dict[str, Json]:
        """What the catalog has of a kind in the service, by FQN."""
        try:
            found = [each.to_wire() for each in self._run.hw.list(kind, service=service)]
        except NotFoundError:  # a preview of the first run
            return {}
        return {each["fullyQualifiedName"]: each for each in found}

    def _is_free(self, request: Request, there: Json | None, raw: Json) -> bool:
        """Whether no other model has the name: one of another registry, or made here."""
        if there is None or there.get("sourceUrl") == request["sourceUrl"]:
            return True
        created = int(raw.get("creation_timestamp") or 0)
        moved = self._run.hw.records(there["id"], REGISTRATION, kind="mlmodel")
        if any(record["at"] == created for record in moved):
            return True  # from a server that has another address by now
        fqn = there["fullyQualifiedName"]
        self._run.fail(
            f"mlmodel {fqn}",
            "a model that did not come from this registry has the name here, so nothing was written"
            " to it: rename one of the two, or move to another --service",
        )
        return False

    def _write_versions(self, requests: Requests, versions: Iterable[Version]) -> set[str]:
        """Write versions, of each model one at a time by number."""
        rounds: dict[int, list[Request]] = defaultdict(list)
        turn: dict[str, int] = defaultdict(int)
        for version in versions:
            rounds[turn[version.model]].append(requests.version(version, None, _NOT_READ, None))
            turn[version.model] += 1
        return {fqn for each in rounds.values() for fqn in self._run.put("modelVersion", each)}

    def _write_records(self, raws: Mapping[str, Json], there: set[str]) -> None:
        """Write tags, times and runs of what was not moved before, whoever changed it since."""
        records = [
            record
            for entity, raw in raws.items()
            if entity.partition(":")[2] not in there or not self._is_moved(entity)
            for record in _records(entity, raw)
        ]
        self._run.put_records(records)

    def _is_moved(self, entity: str) -> bool:
        return any(True for _ in self._run.hw.records(entity, REGISTRATION, limit=1))


def _models(client: MlflowClient) -> Iterator[Json]:
    for asked in (None,) if client.is_databricks else (None, _PROMPTS):
        yield from search_all(client, "registered-models", filter=asked)


def _versions(client: MlflowClient, models: Iterable[str]) -> Iterator[Json]:
    yield from read_versions(client, models)
    if not client.is_databricks:
        yield from search_all(client, "model-versions", filter=_PROMPTS)


def _located(client: MlflowClient, raw: Json) -> Json:
    """A version with where its files lie, if it names another: that may be renamed, or go."""
    if not str(raw.get("source") or "").startswith("models:"):
        return raw
    asked = {"name": str(raw["name"]), "version": str(raw["version"])}
    return raw | (client.find("model-versions/get-download-uri", asked) or {})


def _records(entity: str, raw: Json) -> Iterator[Json]:
    created = int(raw.get("creation_timestamp") or 0)
    for each in raw.get("tags") or ():
        data = {"value": str(each.get("value") or "")}
        yield {"entity": entity, "type": TAG, "key": each["key"], "at": created, "data": data}
    about: Json = {
        "updatedAt": int(raw.get("last_updated_timestamp") or created),
        "userId": str(raw.get("user_id") or ""),
        "runLink": str(raw.get("run_link") or ""),
        "modelId": str(raw.get("model_id") or ""),
    }
    yield {
        "entity": entity,
        "type": REGISTRATION,
        "key": str(raw.get("run_id") or ""),
        "at": created,
        "data": {name: value for name, value in about.items() if value},
    }
