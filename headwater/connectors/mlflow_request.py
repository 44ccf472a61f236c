"""What an MLflow server has as the catalog's create requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any
from urllib.parse import quote

from headwater import names
from headwater.connectors.mlflow import Config
from headwater.connectors.mlflow_model import ModelFiles
from headwater.connectors.mlflow_source import MlflowRun, Version
from headwater.names import MAX_NAME, REFUSED

TAGS = "MLflow"
"""The classification of MLflow's tags."""
_MOST_URI = 4096
_MOST_STORAGE = 2048
_STATUS = {
    "PENDING_REGISTRATION": "pending",
    "READY": "ready",
    "FAILED_REGISTRATION": "failed",
}
_RUN_STATUS = {
    "SCHEDULED": "queued",
    "RUNNING": "running",
    "FINISHED": "completed",
    "FAILED": "failed",
    "KILLED": "cancelled",
}

Request = dict[str, Any]


class Requests:
    """Makes requests of the things of one server.

    Attributes:
        service: FQN of the services that the server is.
    """

    def __init__(self, config: Config, url: str) -> None:
        """Make it.

        Args:
            url: The server's address, without secrets.
        """
        self._config = config
        self._url = url
        self.service = names.join(config.service_name)

    def services(self) -> tuple[Request, Request]:
        """The server as a service of models, and as one of runs."""
        about = {"name": self._config.service_name, "sourceUrl": self._url}
        return {**about, "serviceType": "Mlflow"}, {**about, "serviceType": "CustomPipeline"}

    def model_fqn(self, name: str) -> str:
        """FQN of a registered model."""
        return names.child(self.service, name)

    def version_fqn(self, version: Version) -> str:
        """FQN of a version."""
        return names.child(self.model_fqn(version.model), str(version.number))

    def pipeline_fqn(self, experiment: str) -> str:
        """FQN of an experiment."""
        return names.child(self.service, experiment)

    def run_fqn(self, run: MlflowRun) -> str:
        """FQN of a run."""
        return names.child(self.pipeline_fqn(run.experiment), run.id)

    def model(self, raw: Mapping[str, Any], algorithm: str) -> Request:
        """A registered model.

        Args:
            algorithm: That it has in the catalog, where only versions' are written.
        """
        return {
            "name": raw["name"],
            "service": self.service,
            "algorithm": algorithm,
            "description": raw.get("description") or None,
            "sourceUrl": _url(self._url, "models", raw["name"]),
            "tags": self.tags(raw),
        }

    def pipeline(self, experiment: str) -> Request:
        """An experiment."""
        return {"name": experiment, "service": self.service}

    def run(self, run: MlflowRun, inputs: Sequence[Mapping[str, str]]) -> Request:
        """A run.

        Args:
            inputs: References to what it read, as far as that is known.
        """
        info = run.info
        request: Request = {
            "name": run.id,
            "pipeline": self.pipeline_fqn(run.experiment),
            "displayName": str(info.get("run_name") or "")[:MAX_NAME] or None,
            "status": _RUN_STATUS.get(str(info.get("status"))),
            "startedAt": info.get("start_time"),
            "endedAt": info.get("end_time"),
            "parameters": _parameters(run),
            "codeVersion": run.tags.get("mlflow.source.git.commit"),
            "sourceUrl": _url(self._url, "experiments", info["experiment_id"], "runs", run.id),
        }
        return request | ({"inputs": list(inputs)} if inputs else {})

    def version(
        self,
        version: Version,
        run: MlflowRun | None,
        files: ModelFiles,
        features: Sequence[Request] | None,
    ) -> Request:
        """A version.

        Args:
            features: Of it; None where they could not be read this time.
        """
        raw, source, storage = version.raw, version.source, version.storage
        request: Request = {
            "name": str(version.number),
            "mlmodel": self.model_fqn(version.model),
            "description": raw.get("description") or None,
            "status": _STATUS.get(str(raw.get("status"))),
            "sourceUri": source if len(source) <= _MOST_URI else None,
            "mlStore": {"storage": storage} if 0 < len(storage) <= _MOST_STORAGE else None,
            "sourceUrl": _url(self._url, "models", version.model, "versions", version.number),
            "tags": self.tags(raw),
        }
        if files.algorithm is not None:
            request["algorithm"] = files.algorithm
        if files.signature is not None:
            request["signature"] = files.signature or None
        if features is not None:
            request["mlFeatures"] = list(features)
        if run is not None:
            request["trainedAt"] = run.info.get("end_time")
            request["mlHyperParameters"] = _parameters(run)
            request["run"] = self.run_fqn(run)
        return request

    def tags(self, raw: Mapping[str, Any]) -> list[str]:
        """FQNs of the tags that something has."""
        return [names.join(TAGS, name) for name in self.tag_names(raw)]

    def tag_names(self, raw: Mapping[str, Any]) -> Iterator[str]:
        """Names of the tags that something has: ``key=value``, or the key of one without value."""
        for each in raw.get("tags") or ():
            key, value = str(each["key"]), str(each.get("value") or "")
            name = f"{key}={value}" if value else key
            if self._config.wants_tag(key) and len(name) <= MAX_NAME and not REFUSED.search(name):
                yield name


def metrics(run: MlflowRun, version: str) -> Iterator[Request]:
    """The last value of each of a run's metrics, as records of a version.

    Values that are no numbers, such as NaN, have no place in JSON and are left out.

    Args:
        version: FQN of the version.
    """
    for each in run.metrics:
        value = float(each["value"])  # MLflow writes "NaN" and "Infinity" as text
        if isfinite(value) and len(each["key"]) <= MAX_NAME:
            yield {
                "entity": f"modelVersion:{version}",
                "type": "metric",
                "key": each["key"],
                "at": int(each["timestamp"]),
                "data": {"value": value, "step": int(each.get("step") or 0)},
            }


def _parameters(run: MlflowRun) -> list[Request]:
    return [
        {"name": name, "value": value}
        for name, value in sorted(run.params.items())
        if len(name) <= MAX_NAME
    ]


def _url(base: str, *parts: object) -> str | None:
    url = f"{base.rstrip('/')}/#/" + "/".join(quote(str(part), safe="") for part in parts)
    return url if len(url) <= _MOST_STORAGE else None
