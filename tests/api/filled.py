"""A catalog that holds three of everything, and one more of each soft-deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from headwater.api import Services
from headwater.catalog import Actor, Written
from headwater.schemas import find_kind

ME = Actor()
COPIES = 3


class Filled:
    """Fills the catalog, and remembers what of each kind is in it."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog
        self._records = services.records
        self.of: dict[str, list[Written]] = defaultdict(list)
        self.gone: dict[str, str] = {}
        for copy in range(COPIES):
            self._add_all(copy)

    def one(self, kind: str, pick: int) -> Written:
        """One of the entities of a kind."""
        return self.of[kind][pick % COPIES]

    def parent(self, kind: str, pick: int) -> tuple[str, str] | None:
        """The field that names the parent of a kind, and the FQN of one."""
        which = self._kind(kind)
        if which.parent is None or which.parent_kind is None:
            return None
        return which.parent.name, self.one(which.parent_kind, pick).fqn

    def column(self, pick: int) -> str:
        """The FQN of a column."""
        return self.one("table", pick).fqn + ".age"

    @staticmethod
    def _kind(kind: str) -> Any:
        found = find_kind(kind + "s")
        assert found is not None
        return found

    def _put(self, kind: str, name: str, **fields: Any) -> str:
        made = self._catalog.put(kind, {"name": name, **fields}, actor=ME)
        described = {"description": "The second version of it."}
        self.of[kind].append(self._catalog.patch(kind, made.id, described, actor=ME))
        if kind not in self.gone:
            twin = self._catalog.put(kind, {"name": "gone", **fields}, actor=ME)
            self._catalog.delete(kind, twin.id, actor=ME)
            self.gone[kind] = twin.id
        return made.fqn

    def _add_all(self, copy: int) -> None:
        put: Callable[..., str] = self._put
        put("modelStage", f"shadow{copy}", exclusive=bool(copy % 2))
        n = str(copy)
        user = put("user", "user" + n)
        put("team", "team" + n)
        put("domain", "domain" + n)
        pii = put("classification", "pii" + n)
        tag = put("tag", "email", classification=pii)
        schema = put("databaseService", "warehouse" + n)
        schema = put("database", "shop", service=schema)
        schema = put("databaseSchema", "public", database=schema)
        columns = [
            {"name": "age", "dataType": "INTEGER", "tags": [tag]},
            {"name": "city", "dataType": "TEXT"},
        ]
        table = put("table", "people", databaseSchema=schema, columns=columns, owners=[
            {"type": "user", "fullyQualifiedName": user}
        ])  # fmt: skip
        service = put("mlmodelService", "models" + n)
        sources = [{"name": "age", "dataSource": {"type": "table", "fullyQualifiedName": table}}]
        features = [{"name": "persona", "featureSources": sources}]
        model = put("mlmodel", "churn", service=service, algorithm="Forest", mlFeatures=features)
        artifact = put("artifact", "weights" + n, artifactType="model")
        artifact = put("artifactVersion", "1", artifact=artifact)
        pipeline = put("pipeline", "train", service=put("pipelineService", "airflow" + n))
        run = put("pipelineRun", "first", pipeline=pipeline, outputs=[
            {"type": "artifactVersion", "fullyQualifiedName": artifact}
        ])  # fmt: skip
        put("modelVersion", "v", mlmodel=model, mlFeatures=features, run=run, artifacts=[artifact])
        put("dashboard", "sales", service=put("dashboardService", "superset" + n))
        put("container", "raw", service=put("storageService", "s3" + n))
        self._stand(copy)

    def _stand(self, copy: int) -> None:
        """Stages, aliases, records, followers and votes."""
        version, model, user = (self.of[k][copy].id for k in ("modelVersion", "mlmodel", "user"))
        versions = self._catalog.model_versions
        versions.set_stage(version, "production", actor=ME)
        versions.set_alias(version, "champion", actor=ME)
        metric = {"key": "auc", "data": {"value": 0.9}}
        for kind in ("mlmodel", "modelVersion"):
            entity = self.of[kind][copy].id
            self._records.append(kind, entity, "metric", metric, actor=ME)
        self._records.follow("mlmodel", model, user, actor=ME)
        self._records.vote("mlmodel", model, user, "up", actor=ME)
