"""What earlier runs learned from the files of versions, so that no file is asked for twice.

A run leaves records of type ``mlflowFiles`` on the server's service, one for each model: by the
numbers of its versions, digests of what was read of which. All else is in the versions themselves.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

from headwater.connectors.mlflow_model import ALGORITHM_TAGS, ModelFiles
from headwater.connectors.mlflow_request import Requests
from headwater.connectors.mlflow_source import Registry, Version
from headwater.connectors.run import Run
from headwater.errors import NotFoundError
from headwater.version import __version__

TYPE = "mlflowFiles"
_ABOUT = ("source", "run_id", "creation_timestamp", "last_updated_timestamp")
_AT_ONCE = 100  # records that one exchange writes


class KnownFiles:
    """Finds what is known of files, and notes what was read."""

    def __init__(self, run: Run, requests: Requests, registry: Registry) -> None:
        """Read what the catalog has."""
        self._run = run
        self._requests = requests
        self._registry = registry
        self._service = f"mlmodelService:{requests.service}"
        self._digests: dict[str, Mapping[str, str]] = {}
        self._versions: dict[str, Mapping[str, Any]] = {}
        try:
            for each in run.hw.records(self._service, TYPE, latest=True):
                self._digests[each["key"]] = each["data"]
            fields = ("algorithm", "signature", "mlmodel")
            for row in run.hw.rows("modelVersion", fields, service=requests.service):
                self._versions[row["fullyQualifiedName"]] = row
        except NotFoundError:
            return  # nothing of the server is in the catalog

    def find(self, version: Version) -> ModelFiles | None:
        """What a version's files tell, unless it is new, has changed, or could not be read."""
        row = self._versions.get(self._requests.version_fqn(version))
        if row is None:
            return None
        digests = self._digests.get(row["mlmodel"]["id"], {})
        files = ModelFiles(row.get("algorithm"), row.get("signature", {}))
        same = digests.get(str(version.number)) == self._digest(version, files)
        return files if same else None

    def note(self, files: Sequence[ModelFiles], written: Collection[str]) -> None:
        """Record what the files of versions told; what could not be read is asked for again.

        Args:
            files: Of the registry's versions.
            written: FQNs of the versions that the catalog has.
        """
        if self._run.options.preview:
            return
        noted: dict[str, dict[str, str]] = defaultdict(dict)
        for version, its in zip(self._registry.versions, files, strict=True):
            if self._requests.version_fqn(version) in written and not its.fault:
                model = self._run.ids[f"mlmodel:{self._requests.model_fqn(version.model)}"]
                noted[model][str(version.number)] = self._digest(version, its)
        records = [
            {"key": model, "data": digests}
            for model, digests in noted.items()
            if self._digests.get(model) != digests
        ]
        for at in range(0, len(records), _AT_ONCE):
            self._run.hw.add_records(self._service, TYPE, records[at : at + _AT_ONCE])

    # Inside

    def _digest(self, version: Version, files: ModelFiles) -> str:
        """Of all that decides what the files tell, this program included, and of what they told."""
        run = self._registry.run_of(version)
        tags = [run.tags.get(name) for name in ALGORITHM_TAGS] if run else []
        about = [version.raw.get(name) for name in _ABOUT]
        told = [about, tags, run is not None and run.is_of_one_model, files.algorithm]
        told += [files.signature, __version__]
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
