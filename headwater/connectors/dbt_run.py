"""One run of the dbt connector: read the project, write its tables and what they are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import normalize

from sqlglot.dialects.dialect import Dialect

from headwater import names
from headwater.connectors.dbt import Config
from headwater.connectors.dbt_exposure import ExposureWriter, write_build
from headwater.connectors.dbt_lineage import ModelReader, place
from headwater.connectors.dbt_owner import Owners
from headwater.connectors.dbt_project import DbtTable, Project, open_project
from headwater.connectors.dbt_table import (
    FIELDS,
    TAGS,
    Known,
    Tables,
    is_own,
    schema_of,
    table_request,
)
from headwater.connectors.run import Run
from headwater.connectors.sql_lineage import LineageWriter
from headwater.connectors.sql_run import SERVICE_TYPES
from headwater.connectors.sql_source import SqlTable
from headwater.errors import NotFoundError
from headwater.sql.relation import Relation, ViewLineage

SOURCE = "dbt"
"""How this connector knows what models read."""

_SERVICE_TYPES = {"athena": "Athena", "postgres": "Postgres", "sqlserver": "Mssql"}
_GRAMMARS = {"sqlserver": "tsql"}


def read(config: Config, run: Run) -> None:
    """See ``headwater.connectors.dbt.Config.read``."""
    project = open_project(
        config.manifest_path, config.catalog_path, need_catalog=config.catalog is not None
    )
    _Reader(run, project, config).read()


class _Reader:
    def __init__(self, run: Run, project: Project, config: Config) -> None:
        self._run = run
        self._project = project
        self._config = config
        self._owners = Owners(run)
        grammar = _GRAMMARS.get(project.adapter, project.adapter)
        self._grammar = grammar if Dialect.get(grammar) else None
        service = names.join(normalize("NFC", config.service))
        self._known = Known(config.service, self._rows("table", service))
        self._fqns = {table.key: self._fqn(table) for table in project.tables}

    def read(self) -> None:
        """Write everything that the project has; what is malformed is reported."""
        run, project, config = self._run, self._project, self._config
        for note in project.notes:
            run.note(note)
        if project.tables:
            self._write_containers()
            self._write_tags()
            requests = {self._fqns[table.key]: self._request(table) for table in project.tables}
            written = run.put("table", list(requests.values()), found=True)
            self._write_lineage(requests, written)
            ExposureWriter(run, project, config, self._owners).write(self._fqns, written)
            write_build(run, project)
        for name, message in project.failures.items():
            run.report.found += 1
            run.fail(name, message)
        self._owners.report()

    def _fqn(self, table: DbtTable) -> str:
        return self._known.fqn(*schema_of(table, self._config.databases), table.name)

    # Tables

    def _write_containers(self) -> None:
        run, service = self._run, self._config.service
        request = {"name": service}
        if run.hw.find("databaseService", names.join(normalize("NFC", service))) is None:
            adapter = self._project.adapter
            kind = _SERVICE_TYPES.get(adapter) or SERVICE_TYPES.get(adapter, "CustomDatabase")
            request["serviceType"] = kind
        run.put("databaseService", [request])
        schemas = sorted({tuple(names.split(fqn)[:3]) for fqn in self._fqns.values()})
        databases = sorted({schema[:2] for schema in schemas})
        run.put(
            "database",
            [{"name": name, "service": names.join(above)} for above, name in databases],
        )
        run.put(
            "databaseSchema",
            [{"name": name, "database": names.join(*above)} for *above, name in schemas],
        )
        if not self._project.failures:  # what is malformed has not vanished
            self._enumerate()

    def _enumerate(self) -> None:
        """Tell which tables there are: those of the project, and those that others know of."""
        ours = set(self._fqns.values())
        for fqn, row in self._known.rows.items():
            if fqn not in ours:
                origins = self._run.hw.provenance(row["id"], kind="table")
                if not is_own(origins, self._run.producer):
                    self._run.saw("table", fqn)
        self._run.enumerated("table", names.join(normalize("NFC", self._config.service)))

    def _write_tags(self) -> None:
        tags = {tag for table in self._project.tables for tag in table.tags}
        tags |= {t for table in self._project.tables for c in table.columns for t in c.tags}
        tags |= {tag for exposure in self._project.exposures for tag in exposure.tags}
        if tags:
            self._run.put("classification", [{"name": TAGS}])
            requests = [{"name": tag, "classification": TAGS} for tag in sorted(tags)]
            self._run.put("tag", requests)

    def _request(self, table: DbtTable) -> dict[str, Any]:
        fqn = self._fqns[table.key]
        row = self._known.rows.get(fqn)

        def origins() -> Sequence[Mapping[str, Any]]:
            return self._run.hw.provenance(row["id"], kind="table") if row else []

        return table_request(
            table,
            fqn,
            row,
            origins,
            self._run.producer,
            owners=self._owners.references(table.owners),
            dialect=self._grammar,
        )

    # Lineage

    def _write_lineage(self, requests: Mapping[str, Mapping[str, Any]], written: set[str]) -> None:
        columns = {
            fqn: [column["name"] for column in request["columns"]]
            for fqn, request in requests.items()
        }
        relations = {table.key: self._relation(table, columns) for table in self._project.tables}
        tables = Tables(
            self._config.service,
            "",
            {
                (relation.schema, relation.name): self._fqns[key]
                for key, relation in relations.items()
            },
            columns,
        )
        made = [t for t in self._project.tables if t.sort in ("model", "snapshot")]
        files = {(relations[t.key].schema, t.name): f"{t.file} (compiled)" for t in made}
        reader = ModelReader(
            [r for r in relations.values() if r.columns], dialect=self._grammar or ""
        )
        read = (
            (_view(table, relations[table.key]), self._lineage(table, reader, relations))
            for table in made
            if self._fqns[table.key] in written
        )
        writer = LineageWriter(
            self._run, tables, source=SOURCE, label=lambda view: files[view.schema, view.name]
        )
        writer.write(read, written | set(self._known.rows))
        ours = {self._fqns[table.key] for table in made}
        others = [f"table:{fqn}" for fqn in self._known.rows if fqn not in ours]
        if others and not self._project.failures:  # dbt makes them no more
            self._run.replace_edges([], source=SOURCE, targets=others)

    def _relation(self, table: DbtTable, columns: Mapping[str, list[str]]) -> Relation:
        """A table as dbt's SQL spells it. Columns that may not be all are none."""
        fqn = self._fqns[table.key]
        listed: tuple[str, ...] = ()
        if table.is_complete:
            there = {name.casefold() for name in columns[fqn]}
            names_ = (column.name for column in table.columns)
            listed = tuple(name for name in names_ if name.casefold() in there)
        elif fqn in self._known.rows:
            listed = tuple(columns[fqn])
        return Relation(place(table.database, table.schema), table.name, listed)

    def _lineage(
        self, table: DbtTable, reader: ModelReader, relations: Mapping[str, Relation]
    ) -> ViewLineage:
        model = relations[table.key]
        reads = [relations[key] for key in self._project.reads(table.key) if key in relations]
        reason = self._unread(table, model)
        if reason is None:
            return reader.model(model, table.sql or "", reads)
        self._run.leave_open(table.file, f"{table.key}: {reason}")
        return ViewLineage(tuple(reads))

    def _unread(self, table: DbtTable, model: Relation) -> str | None:
        """Why the columns of a model are not followed, or None."""
        if not table.is_sql:
            return "a model that is no SQL is not followed"
        if self._grammar is None:
            return f"the SQL of {self._project.adapter or 'an unknown adapter'} cannot be read"
        if not table.sql:
            return "it was not compiled; `dbt compile` does it"
        if not model.columns:
            return "its columns are not known; `dbt docs generate` after `dbt build` tells them"
        return None

    def _rows(self, kind: str, service: str) -> list[dict[str, Any]]:
        """What the catalog has of a kind below a service."""
        try:
            return list(self._run.hw.rows(kind, FIELDS, service=service))
        except NotFoundError:
            return []


def _view(table: DbtTable, relation: Relation) -> SqlTable:
    """A model as the writer of views' lineage takes it."""
    return SqlTable(relation.schema, relation.name, table.type, table.columns, None, table.sql)
