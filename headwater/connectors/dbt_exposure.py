"""What stands beside a dbt project's tables: exposures, and the build as a pipeline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any
from unicodedata import normalize

from headwater import names
from headwater.connectors.dbt import Config
from headwater.connectors.dbt_owner import Owners
from headwater.connectors.dbt_project import Exposure, Project
from headwater.connectors.dbt_table import tag_references
from headwater.connectors.run import Run
from headwater.sdk.lineage_calls import Edge

SOURCE = "dbt exposure"
"""How this connector knows what exposures read."""

PIPELINES = "dbt"
"""The service whose pipelines are projects."""

_DASHBOARDS = ("analysis", "application", "dashboard", "notebook")


class ExposureWriter:
    """Writes exposures as dashboards, and ties those of models to the catalog's."""

    def __init__(self, run: Run, project: Project, config: Config, owners: Owners) -> None:
        self._run = run
        self._project = project
        self._config = config
        self._owners = owners

    def write(self, fqns: Mapping[str, str], written: Collection[str]) -> None:
        """Write what exposures are, and, in place of what was said before, what they read.

        Args:
            fqns: FQNs of the project's tables, by dbt's key.
            written: Those that the catalog has.
        """
        run, exposures = self._run, self._project.exposures
        above = names.join(normalize("NFC", self._config.dashboard_service))
        shown = [each for each in exposures if each.type in _DASHBOARDS]
        there = self._write_dashboards(shown, above)
        edges: list[Edge] = []
        for each in exposures:
            target = None
            if each in shown:
                fqn = names.child(above, normalize("NFC", each.name))
                target = f"dashboard:{fqn}" if fqn in there else None
            elif each.type == "ml":
                target = self._model(each)
            else:
                run.note(f"{each.file}: an exposure of type {each.type!r} is not brought over")
            reads = (fqns.get(key) for key in self._project.reads(each.key))
            edges += [(f"table:{fqn}", target, {}) for fqn in reads if target and fqn in written]
        # What is malformed may be what led to others.
        targets = {str(edge[1]) for edge in edges} if self._project.failures else None
        run.replace_edges(edges, source=SOURCE, targets=targets)

    def _write_dashboards(self, shown: Sequence[Exposure], service: str) -> set[str]:
        run, name = self._run, self._config.dashboard_service
        if not self._project.failures:
            run.enumerated("dashboard", service)
        if not shown:
            return set()
        if run.hw.find("dashboardService", service) is None:
            run.put("dashboardService", [{"name": name, "serviceType": "CustomDashboard"}])
        return run.put("dashboard", [self._dashboard(each, service) for each in shown])

    def _dashboard(self, exposure: Exposure, service: str) -> dict[str, Any]:
        return {
            "name": exposure.name,
            "service": service,
            "displayName": exposure.label,
            "description": exposure.description,
            "sourceUrl": exposure.url,
            "tags": tag_references(exposure.tags),
            "owners": self._owners.references(exposure.owners),
        }

    def _model(self, exposure: Exposure) -> str | None:
        """The model of the catalog that an exposure means, where that is decided."""
        found = [fqn for fqn in self._models if exposure.model in (fqn, names.split(fqn)[-1])]
        if len(found) == 1:
            return f"mlmodel:{found[0]}"
        which = f"several are called so: {', '.join(found)}" if found else "there is none"
        self._run.leave_open(
            exposure.file,
            f"exposure {exposure.name}: {which}; `meta: mlmodel: …` names a model of the catalog",
        )
        return None

    @cached_property
    def _models(self) -> list[str]:
        return [row["fullyQualifiedName"] for row in self._run.hw.rows("mlmodel", ["name"])]


def write_build(run: Run, project: Project) -> None:
    """Write the project as a pipeline, whose tasks are models, seeds, snapshots and tests."""
    tasks = [
        {
            "name": task.key[:256],
            "displayName": task.name[:256],
            "taskType": task.sort,
            "description": task.description,
            "downstreamTasks": project.waiting_for(task.key),
        }
        for task in project.tasks
    ]
    run.put("pipelineService", [{"name": PIPELINES, "serviceType": "DBT"}])
    run.put("pipeline", [{"name": project.name, "service": PIPELINES, "tasks": tasks}])
