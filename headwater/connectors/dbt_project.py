"""A dbt project as its artifacts describe it: ``manifest.json`` and ``catalog.json``.

Their schemas are published at https://schemas.getdbt.com. What the catalog makes of them is not
here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from headwater.connectors.sql_source import SqlColumn, TableType
from headwater.errors import SourceError

T = TypeVar("T")
Item = tuple[str, Mapping[str, Any]]
"""A part of an artifact, with its key."""

OLDEST, NEWEST = 9, 12
"""The versions of the manifest's schema that this was made for."""

_VERSION = re.compile(r"/manifest/v(\d+)(?:\.json)?$")
_TABLES = ("model", "seed", "snapshot")
_TASKS = (*_TABLES, "test", "unit_test")
_MATERIALIZED: dict[str, TableType] = {
    "view": "View",
    "materialized_view": "MaterializedView",
}


@dataclass(frozen=True, slots=True)
class DbtColumn(SqlColumn):
    """A column, with the tags that the project puts on it."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DbtTable:
    """A model, seed, snapshot or source.

    Attributes:
        key: dbt's ``unique_id``.
        sort: dbt's ``resource_type``.
        database: As the warehouse spells it, as far as that is known; empty where there is none.
        columns: Those of the warehouse; without dbt's catalog those that the project describes.
        is_complete: The columns are the warehouse's, all of them.
        owners: Names and addresses of people and teams.
        file: Where the project describes it.
        sql: What was compiled; None where it is not known.
        is_sql: It is made by SQL.
    """

    key: str
    sort: str
    database: str
    schema: str
    name: str
    type: TableType
    columns: tuple[DbtColumn, ...]
    is_complete: bool
    description: str | None
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    file: str
    sql: str | None
    is_sql: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something outside of dbt that reads its tables."""

    key: str
    name: str
    type: str
    label: str | None
    url: str | None
    description: str | None
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    file: str
    model: str


@dataclass(frozen=True, slots=True)
class Task:
    """A step of the project's build."""

    key: str
    sort: str
    name: str
    description: str | None


@dataclass
class Project:
    """What the artifacts hold.

    Attributes:
        failures: What could not be understood, by its key.
        notes: What else somebody should know.
    """

    manifest: Mapping[str, Any]
    catalog: Mapping[str, Any]
    failures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.manifest["metadata"].get("project_name") or "dbt")

    @property
    def adapter(self) -> str:
        """What dbt speaks to, such as ``duckdb``."""
        return str(self.manifest["metadata"].get("adapter_type") or "")

    @cached_property
    def tables(self) -> list[DbtTable]:
        """Sources, seeds, models and snapshots that are in the warehouse."""
        nodes = [each for each in self._raw("nodes") if each[1].get("resource_type") in _TABLES]
        listed = [*self._raw("sources"), *nodes]
        return self._each([each for each in listed if not _is_ephemeral(each[1])], self._table)

    @cached_property
    def exposures(self) -> list[Exposure]:
        """What reads the project's tables."""
        return self._each(self._raw("exposures"), _exposure)

    @cached_property
    def tasks(self) -> list[Task]:
        """The steps of a build, tests among them."""
        listed = [*self._raw("nodes"), *self._raw("unit_tests")]
        return self._each([e for e in listed if e[1].get("resource_type") in _TASKS], _task)

    def reads(self, key: str) -> list[str]:
        """The keys of what something depends on, behind what is not in the warehouse."""
        found: dict[str, None] = {}
        waiting, seen = [key], {key}
        while waiting:
            for other in self._upstream(waiting.pop()):
                if other in seen:
                    continue
                seen.add(other)
                raw = self._all.get(other)
                if raw is None or _is_ephemeral(raw):
                    waiting.append(other)
                else:
                    found[other] = None
        return list(found)

    def waiting_for(self, key: str) -> list[str]:
        """The keys of the tasks that wait for one."""
        return self._downstream.get(key, [])

    # Inside

    def _table(self, key: str, raw: Mapping[str, Any]) -> DbtTable:
        known = self.catalog["sources" if raw["resource_type"] == "source" else "nodes"].get(key)
        place = known["metadata"] if known else {}
        config = raw.get("config") or {}
        name = raw.get("identifier") or raw.get("alias") or raw["name"]
        kind = _MATERIALIZED.get(str(config.get("materialized")), "Regular")
        return DbtTable(
            key,
            raw["resource_type"],
            str(place.get("database") or raw.get("database") or ""),
            str(place.get("schema") or raw["schema"]),
            str(place.get("name") or name),
            _type(str(place["type"])) if place.get("type") else kind,
            tuple(_columns(raw, known)),
            bool(known),
            _text(raw.get("description")) or _text(place.get("comment")),
            _tags(raw),
            self._owners(raw),
            str(raw.get("original_file_path") or key),
            raw.get("compiled_code"),
            raw.get("language", "sql") == "sql",
        )

    def _owners(self, raw: Mapping[str, Any]) -> tuple[str, ...]:
        """Who answers for a table, as its own description says, or its group's."""
        group = raw.get("group") or (raw.get("config") or {}).get("group")
        own = _meta(raw).get("owner")
        if own is None and group:
            groups = (each for _, each in self._raw("groups"))
            own = next((each["owner"] for each in groups if each["name"] == group), None)
        return _people(own)

    @cached_property
    def _all(self) -> dict[str, Mapping[str, Any]]:
        return {key: raw for part in ("sources", "nodes") for key, raw in self._raw(part)}

    def _upstream(self, key: str) -> list[str]:
        raw = self._all.get(key) or self.manifest.get("exposures", {}).get(key) or {}
        return list((raw.get("depends_on") or {}).get("nodes") or [])

    @cached_property
    def _downstream(self) -> dict[str, list[str]]:
        tasks = {task.key for task in self.tasks}
        found: dict[str, list[str]] = {}
        for key, raw in [*self._raw("nodes"), *self._raw("unit_tests")]:
            for other in (raw.get("depends_on") or {}).get("nodes") or []:
                if {key, other} <= tasks:
                    found.setdefault(other, []).append(key)
        return {key: sorted(found[key]) for key in found}

    def _raw(self, part: str) -> list[Item]:
        found = self.manifest.get(part)
        items = sorted(found.items()) if isinstance(found, dict) else []
        faults = {key: _misshapen(raw) for key, raw in items}
        self.failures |= {key: f"it is malformed: {why}" for key, why in faults.items() if why}
        return [(key, raw) for key, raw in items if not faults[key]]

    def _each(self, items: Iterable[Item], one: Callable[[str, Mapping[str, Any]], T]) -> list[T]:
        """Read items one by one, so that one that is malformed holds up no other."""
        found: list[T] = []
        for key, raw in items:
            try:
                found.append(one(key, raw))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                self.failures[key] = f"it is malformed: {type(error).__name__} {error}"
        return found


def open_project(manifest: Path, catalog: Path, *, need_catalog: bool = False) -> Project:
    """Read a project's artifacts.

    Args:
        manifest: Path of ``manifest.json``.
        catalog: Path of ``catalog.json``; without it, types are not known.
        need_catalog: Whether it must be there.

    Raises:
        SourceError: A file is missing, no JSON, or of a schema that is not read.
    """
    told = _read(manifest, "`dbt build` or `dbt compile` writes it", "nodes", "metadata")
    version = _VERSION.search(str(told["metadata"].get("dbt_schema_version")))
    if version is None or int(version[1]) < OLDEST:
        named = told["metadata"].get("dbt_schema_version")
        raise SourceError(
            f"{manifest} has the schema {named}; manifests are read from v{OLDEST} on (dbt 1.5)"
        )
    project = Project(told, {"nodes": {}, "sources": {}})
    if int(version[1]) > NEWEST:
        project.notes.append(f"{manifest} is newer (v{version[1]}) than what was tried (v{NEWEST})")
    if catalog.exists() or need_catalog:
        how = "`dbt docs generate` writes it"
        project.catalog = _read(catalog, how, "nodes", "sources")
        if "" < _made_at(project.catalog) < _made_at(told):
            project.notes.append(
                f"{catalog} is older than {manifest}: columns that are new since then are not"
                f" followed; {how} anew"
            )
    else:
        project.notes.append(
            f"there is no {catalog}: columns and types of tables that the catalog does not know are"
            " left out; `dbt docs generate` writes it"
        )
    return project


def _read(file: Path, how: str, *parts: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise SourceError(f"cannot read {file}: there is no such file; {how}") from None
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:  # what is no UTF-8, too
        raise SourceError(f"cannot read {file}: it is no JSON: {error}") from None
    except RecursionError:
        raise SourceError(f"cannot read {file}: it is nested too deeply") from None
    for part in parts:
        if not isinstance(found, dict) or not isinstance(found.get(part), dict):
            raise SourceError(f"cannot read {file}: it has no {part!r}, as dbt's has")
    return dict(found)


def _made_at(artifact: Mapping[str, Any]) -> str:
    """When dbt wrote an artifact, in UTC; empty where it does not say."""
    return str((artifact.get("metadata") or {}).get("generated_at") or "")


def _misshapen(raw: Any) -> str | None:
    """Why a part of a manifest is not of the shape that everything here relies on, or None."""
    if not isinstance(raw, dict):
        return "not an object"
    parts = ("config", "depends_on", "columns")
    wrong = [name for name in parts if not isinstance(raw.get(name) or {}, dict)]
    listed = (raw.get("depends_on") or {}).get("nodes") or [] if not wrong else []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        wrong = ["depends_on.nodes"]
    return f"{wrong[0]} is of another type" if wrong else None


def _is_ephemeral(raw: Mapping[str, Any]) -> bool:
    """Whether a node is not in the warehouse: its SQL is put into that of others, or checked."""
    if raw.get("resource_type") == "source":
        return False
    ephemeral = (raw.get("config") or {}).get("materialized") == "ephemeral"
    return raw.get("resource_type") not in _TABLES or ephemeral


def _columns(raw: Mapping[str, Any], known: Mapping[str, Any] | None) -> Iterator[DbtColumn]:
    described = {name.lower(): each for name, each in (raw.get("columns") or {}).items()}
    if known is None:
        for each in described.values():
            yield _column(each["name"], each.get("data_type"), each, None)
        return
    for each in sorted(known["columns"].values(), key=lambda column: int(column["index"])):
        words = described.get(each["name"].lower(), {})
        yield _column(each["name"], each["type"], words, each.get("comment"))


def _column(name: str, type_: str | None, words: Mapping[str, Any], comment: Any) -> DbtColumn:
    description = _text(words.get("description")) or _text(comment)
    return DbtColumn(name, type_ or "", True, description, _tags(words))


def _exposure(key: str, raw: Mapping[str, Any]) -> Exposure:
    meta = _meta(raw)
    return Exposure(
        key,
        raw["name"],
        str(raw.get("type")),
        _text(raw.get("label")),
        _text(raw.get("url")),
        _text(raw.get("description")),
        _tags(raw),
        _people(meta.get("owner") or raw.get("owner")),
        str(raw.get("original_file_path") or key),
        str(meta.get("mlmodel") or raw["name"]),
    )


def _task(key: str, raw: Mapping[str, Any]) -> Task:
    return Task(key, raw["resource_type"], raw["name"], _text(raw.get("description")))


def _type(text: str) -> TableType:
    """What a table is, by what its warehouse calls it."""
    upper = text.upper()
    if "VIEW" not in upper:
        return "Regular"
    return "MaterializedView" if "MATERIALIZED" in upper else "View"


def _meta(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {**((raw.get("config") or {}).get("meta") or {}), **(raw.get("meta") or {})}


def _tags(raw: Mapping[str, Any]) -> tuple[str, ...]:
    found = raw.get("tags") or (raw.get("config") or {}).get("tags") or []
    return tuple(dict.fromkeys([found] if isinstance(found, str) else map(str, found)))


def _people(owner: Any) -> tuple[str, ...]:
    """The names and addresses of an owner, however it is written."""
    if isinstance(owner, Mapping):
        return tuple(
            name for part in ("email", "name") for name in _people(owner.get(part)) if name
        )
    if isinstance(owner, list):
        return tuple(name for each in owner for name in _people(each))
    return (str(owner),) if owner else ()


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value else None
