"""The dbt connector: what a project's ``manifest.json`` and ``catalog.json`` say of a warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from headwater.connectors.config import ENV, Name, SourceConfig
from headwater.connectors.ingest import ingest_source
from headwater.connectors.report import Report
from headwater.connectors.run import Run, RunOptions
from headwater.errors import NotInstalledError
from headwater.sdk import Headwater


class Config(SourceConfig):
    """A dbt project.

    Attributes:
        service: Name of the database service that the project's warehouse is in the catalog; the
            same as the SQL connector's, where that reads the warehouse, too.
        project: What tells projects of one warehouse apart.
        project_dir: Where ``target/manifest.json`` and ``target/catalog.json`` are.
        manifest: In place of the one of ``project_dir``.
        catalog: In place of the one of ``project_dir``.
        databases: What the catalog calls databases that dbt calls otherwise.
        dashboard_service: Name of the service that the project's dashboards are of.
    """

    type: Literal["dbt"] = "dbt"
    service: Name
    project: Name | None = None
    project_dir: Path | None = None
    manifest: Path | None = None
    catalog: Path | None = None
    databases: Mapping[Name, Name] = Field(default_factory=dict)
    dashboard_service: Name = "dbt"

    @model_validator(mode="after")
    def _has_files(self) -> Self:
        if self.project_dir is None and self.manifest is None:
            raise ValueError("project_dir or manifest is needed")
        return self

    @property
    def service_name(self) -> str:
        """The warehouse's service, with the project where one is named."""
        return f"{self.service}-{self.project}" if self.project else self.service

    @classmethod
    def named(cls, raw: Mapping[str, Any]) -> str | None:
        """See ``SourceConfig.named``."""
        service, project = super().named(raw), raw.get("project")
        if project is None or service is None:
            return service
        return None if str(project).startswith(ENV) else f"{service}-{project}"

    @property
    def manifest_path(self) -> Path:
        """Where the manifest is."""
        return self.manifest or (self.project_dir or Path()) / "target" / "manifest.json"

    @property
    def catalog_path(self) -> Path:
        """Where the catalog is, or would be."""
        return self.catalog or self.manifest_path.with_name("catalog.json")

    def read(self, run: Run) -> None:
        """See ``SourceConfig.read``."""
        _need_packages()
        from headwater.connectors.dbt_run import read  # it imports what was just looked for

        read(self, run)


def ingest(
    hw: Headwater,
    project_dir: str | Path,
    *,
    service: str,
    options: RunOptions | None = None,
) -> Report:
    """Bring the catalog to what a dbt project says: tables, their words and owners, and lineage.

    Writes as the producer ``dbt:<service>``. What cannot be written or resolved is in the report,
    and holds up nothing else; a second run over an unchanged project writes nothing.

    Args:
        hw: The catalog.
        project_dir: The project, after ``dbt build`` and ``dbt docs generate``.
        service: Name of the database service that the project's warehouse is in the catalog.
        options: How the run goes.

    Raises:
        SourceError: The project's manifest is missing or cannot be read.
        NotInstalledError: The extra ``headwater[sql]`` is missing.
        ClientError: The catalog cannot be reached.
    """
    config = Config(project_dir=Path(project_dir), service=service)
    return ingest_source(hw, config, options=options, strict=True)


def _need_packages() -> None:
    for package in ("sqlalchemy", "sqlglot"):
        if find_spec(package) is None:
            raise NotInstalledError(
                f"reading dbt projects needs {package}: pip install 'headwater[sql]'", extra="sql"
            )
