"""The dbt connector on small artifacts; ``tests/clients/test_dbt.py`` has what dbt itself built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater import Dashboard, Headwater, InvalidInputError, Pipeline, SourceError, Table
from headwater.connectors.config import check_config
from headwater.connectors.dbt import ingest
from headwater.connectors.report import Report
from headwater.connectors.run import RunOptions
from headwater.connectors.sql import ingest as ingest_sql

from .conftest import MakeDatabase

Parts = dict[str, Any]
Write = Callable[..., Path]
CELLAR = "duckdb.cellar"


def node(name: str, sql: str = "", *reads: str, **fields: Any) -> tuple[str, Parts]:
    """A model as a manifest has it."""
    key = f"model.cellar.{name}"
    made: Parts = {
        "unique_id": key,
        "resource_type": "model",
        "database": "cellar",
        "schema": "main",
        "name": name,
        "alias": name,
        "original_file_path": f"models/{name}.sql",
        "compiled_code": sql,
        "config": {"materialized": "table", "meta": {}, "tags": []},
        "depends_on": {"nodes": list(reads)},
        "columns": {},
        "description": "",
        "tags": [],
        "language": "sql",
    }
    return key, made | fields


def source(name: str, **fields: Any) -> tuple[str, Parts]:
    key = f"source.cellar.raw.{name}"
    made = node(name)[1] | {"resource_type": "source", "schema": "raw", "identifier": name}
    return key, made | {"unique_id": key, "original_file_path": "models/raw.yml"} | fields


def shape(schema: str, name: str, **columns: str) -> Parts:
    """A table as a catalog has it."""
    listed = {
        column: {"name": column, "type": type_, "index": at, "comment": None}
        for at, (column, type_) in enumerate(columns.items(), start=1)
    }
    place = {"database": "cellar", "schema": schema, "name": name, "type": "BASE TABLE"}
    return {"metadata": place, "columns": listed}


def exposure(name: str, kind: str, *reads: str, **fields: Any) -> tuple[str, Parts]:
    key = f"exposure.cellar.{name}"
    made = {"name": name, "type": kind, "depends_on": {"nodes": list(reads)}}
    return key, {"owner": {"name": "Ann"}, "original_file_path": "models/out.yml"} | made | fields


SAMPLE = source("sample")
RATIO = node("ratio", "select id, acid / ash as ratio from cellar.raw.sample", SAMPLE[0])
BASE: Parts = {"nodes": dict([RATIO]), "sources": dict([SAMPLE])}
SHAPES: Parts = {
    "nodes": {RATIO[0]: shape("main", "ratio", id="INTEGER", ratio="DOUBLE")},
    "sources": {SAMPLE[0]: shape("raw", "sample", id="INTEGER", acid="DOUBLE", ash="DOUBLE")},
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a project's artifacts; answers its folder."""

    def made(manifest: Parts = BASE, catalog: Parts | None = SHAPES, version: int = 12) -> Path:
        target = tmp_path / "project" / "target"
        target.mkdir(parents=True, exist_ok=True)
        about = {
            "dbt_schema_version": f"https://schemas.getdbt.com/dbt/manifest/v{version}.json",
            "adapter_type": "duckdb",
            "project_name": "cellar",
        }
        (target / "manifest.json").write_text(json.dumps({"metadata": about, **manifest}))
        (target / "catalog.json").unlink(missing_ok=True)
        if catalog is not None:
            (target / "catalog.json").write_text(json.dumps(catalog))
        return target.parent

    return made


def run(hw: Headwater, project: Path, **options: Any) -> Report:
    return ingest(hw, project, service="duckdb", options=RunOptions(**options))


def feeds(hw: Headwater, column: str) -> set[str]:
    lineage = hw.lineage(f"column:{column}", upstream=1, downstream=0, level="column")
    return {str(found.fully_qualified_name) for found in lineage.upstream()}


def table(hw: Headwater, name: str = "main.ratio") -> Table:
    return hw.get(Table, f"{CELLAR}.{name}")


@pytest.mark.parametrize("version", [9, 10, 11, 12, 13])
def test_models_and_sources_become_tables_with_column_lineage(
    hw: Headwater, write: Write, version: int
) -> None:
    report = run(hw, write(version=version))
    assert (report.found, report.failed, report.unresolved) == (2, [], [])
    assert [(c.name, c.data_type) for c in table(hw).columns or []] == [
        ("id", "INTEGER"),
        ("ratio", "DOUBLE"),
    ]
    assert feeds(hw, f"{CELLAR}.main.ratio.ratio") == {
        f"{CELLAR}.raw.sample.acid",
        f"{CELLAR}.raw.sample.ash",
    }
    assert bool(report.notes) is (version > 12)


def test_a_second_run_writes_nothing_and_a_preview_says_so_before(
    hw: Headwater, write: Write
) -> None:
    project = write()
    planned = run(hw, project, preview=True)
    assert planned.created > 0
    assert list(hw.list(Table)) == []
    assert run(hw, project).created == planned.created
    again = run(hw, project)
    assert (again.created, again.changed, again.failed) == (0, 0, [])
    assert table(hw).version == "0.1"


def test_words_tags_and_owners_come_along(hw: Headwater, write: Write) -> None:
    hw.create({"name": "cellarers", "email": "cellar@example.com"}, kind="team")
    hw.create({"name": "ann"}, kind="user")
    columns = {"ratio": {"name": "ratio", "description": "sour?", "tags": ["pii"]}}
    key, model = node(
        "ratio",
        RATIO[1]["compiled_code"],
        description="Acid to ash.",
        tags=["mart"],
        columns=columns,
        group="g",
    )
    groups = {"group.cellar.g": {"name": "g", "owner": {"email": "Cellar@example.com"}}}
    owned = source("sample", meta={"owner": ["ann", "bob"]})
    other = source("lab", meta={"owner": "nobody"})
    report = run(
        hw, write(BASE | {"nodes": {key: model}, "groups": groups, "sources": dict([owned, other])})
    )
    made = table(hw)
    assert made.description == "Acid to ash."
    assert [tag.fully_qualified_name for tag in made.tags or []] == ["dbt.mart"]
    assert [owner.name for owner in made.owners or []] == ["cellarers"]
    assert [owner.name for owner in table(hw, "raw.sample").owners or []] == ["ann"]
    ratio = (made.columns or [])[1]
    assert ratio.description == "sour?"
    assert [tag.fully_qualified_name for tag in ratio.tags or []] == ["dbt.pii"]
    assert report.notes == ["the owner 'nobody' is no user or team of the catalog"]


def test_dbt_and_the_sql_connector_write_one_table_and_leave_each_other_alone(
    hw: Headwater, write: Write, duck: MakeDatabase
) -> None:
    url = duck(
        "CREATE SCHEMA raw; CREATE TABLE raw.sample (id INTEGER, acid DOUBLE, ash DOUBLE);"
        "CREATE TABLE ratio AS SELECT id, acid / ash AS ratio FROM raw.sample;"
        "COMMENT ON COLUMN ratio.id IS 'of the sample'"
    )
    columns = {
        "id": {"name": "id", "description": "key"},
        "ratio": {"name": "ratio", "description": "sour?"},
    }
    key, model = node(
        "ratio", RATIO[1]["compiled_code"], SAMPLE[0], description="Acid.", columns=columns
    )
    odd = {**SHAPES, "nodes": {key: shape("main", "RATIO", id="int4", ratio="float8", new="int4")}}
    project = write(BASE | {"nodes": {key: model}}, odd)
    ingest_sql(hw, url)
    run(hw, project)
    made = table(hw)
    assert (made.description, made.version) == ("Acid.", "0.2")
    assert [(c.name, c.data_type, c.description) for c in made.columns or []] == [
        ("id", "INTEGER", "of the sample"),
        ("ratio", "DOUBLE", "sour?"),
    ]
    assert len(list(hw.list(Table))) == 2
    assert feeds(hw, f"{CELLAR}.main.ratio.id") == {f"{CELLAR}.raw.sample.id"}
    for _ in range(2):
        assert ingest_sql(hw, url).changed == run(hw, project).changed == 0


def test_what_the_sql_connector_reads_later_holds(
    hw: Headwater, write: Write, duck: MakeDatabase
) -> None:
    project = write(
        catalog={**SHAPES, "nodes": {RATIO[0]: shape("main", "ratio", id="int4", ratio="float8")}}
    )
    url = duck(
        "CREATE SCHEMA raw; CREATE TABLE raw.sample (id INTEGER, acid DOUBLE, ash DOUBLE);"
        "CREATE TABLE ratio AS SELECT id, acid / ash AS ratio FROM raw.sample"
    )
    run(hw, project)
    assert ingest_sql(hw, url).changed == 2
    assert run(hw, project).changed == ingest_sql(hw, url).changed == 0
    assert (table(hw).columns or [])[0].data_type == "INTEGER"


def test_a_persons_words_stay(hw: Headwater, write: Write) -> None:
    project = write(BASE | {"nodes": dict([node("ratio", "select 1", description="Acid.")])})
    run(hw, project)
    mine = table(hw)
    mine.description = "Ask Ann."
    hw.update(mine)
    assert run(hw, project).changed == 0
    assert table(hw).description == "Ask Ann."


def test_outputs_are_matched_by_name_as_dbt_fills_tables(hw: Headwater, write: Write) -> None:
    key, model = node(
        "ratio",
        "select ash as ratio, id from raw.sample where id > (select max(id) from main.ratio)",
        SAMPLE[0],
    )
    report = run(hw, write(BASE | {"nodes": {key: model}}))
    assert report.unresolved == []
    assert feeds(hw, f"{CELLAR}.main.ratio.ratio") == {f"{CELLAR}.raw.sample.ash"}
    assert feeds(hw, f"{CELLAR}.main.ratio.id") == {f"{CELLAR}.raw.sample.id"}


def test_a_model_may_make_a_column_of_another_of_its_own(hw: Headwater, write: Write) -> None:
    key, model = node(
        "ratio",
        "select s.id, s.ash + coalesce(t.id, t.ratio) as ratio"
        " from raw.sample s left join main.ratio t on t.id = s.id",
        SAMPLE[0],
    )
    report = run(hw, write(BASE | {"nodes": {key: model}}))
    assert (report.failed, report.unresolved) == ([], [])
    ratio = f"{CELLAR}.main.ratio"
    assert feeds(hw, f"{ratio}.ratio") >= {f"{CELLAR}.raw.sample.ash", f"{ratio}.id"}
    assert feeds(hw, f"{ratio}.id") == {f"{CELLAR}.raw.sample.id"}


def test_a_model_reads_other_databases(hw: Headwater, write: Write) -> None:
    far = source("sample", database="lake")
    key, model = node("ratio", "select id from lake.raw.sample", far[0])
    shapes = {
        "nodes": {key: shape("main", "ratio", id="INTEGER")},
        "sources": {far[0]: shape("raw", "sample", id="INTEGER")},
    }
    shapes["sources"][far[0]]["metadata"]["database"] = "lake"
    run(hw, write({"nodes": {key: model}, "sources": dict([far])}, shapes))
    assert feeds(hw, f"{CELLAR}.main.ratio.id") == {"duckdb.lake.raw.sample.id"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"compiled_code": "select a from\n cellar.raw.unheard"}, "unheard is not a known table"),
        (
            {"compiled_code": "select shoe as id from\n cellar.raw.sample, cellar.raw.sample s"},
            "shoe is not a column of what the model reads",
        ),
        ({"compiled_code": None}, "dbt compile"),
        ({"language": "python"}, "no SQL"),
        ({"compiled_code": "select id, nonsense(("}, "cannot be resolved"),
    ],
)
def test_what_is_not_resolved_is_told_with_its_file_and_tied_as_a_whole(
    hw: Headwater, write: Write, fields: Parts, message: str
) -> None:
    key, model = node("ratio", "", SAMPLE[0], **fields)
    report = run(hw, write(BASE | {"nodes": {key: model}}))
    assert any(message in each.message for each in report.unresolved)
    assert all(each.name.startswith("models/ratio.sql") for each in report.unresolved)
    upstream = hw.lineage(f"table:{CELLAR}.main.ratio", upstream=1, downstream=0).upstream()
    assert [found.name for found in upstream] == ["sample"]


def test_an_open_column_is_perhaps_of_all_that_its_model_reads(hw: Headwater, write: Write) -> None:
    sql = "select s.id, s as ratio from cellar.raw.sample s"  # the whole row
    run(hw, write(BASE | {"nodes": dict([node("ratio", sql, SAMPLE[0])])}))
    assert feeds(hw, f"{CELLAR}.main.ratio.id") == {f"{CELLAR}.raw.sample.id"}
    assert feeds(hw, f"{CELLAR}.main.ratio.ratio") == {f"{CELLAR}.raw.sample"}


def test_an_ephemeral_model_is_no_table_and_lineage_goes_through_it(
    hw: Headwater, write: Write
) -> None:
    between = node("between", "select 1", SAMPLE[0], config={"materialized": "ephemeral"})
    sql = (
        "with __dbt__cte__between as (select id, acid from cellar.raw.sample)"
        " select id, acid as ratio from __dbt__cte__between"
    )
    report = run(hw, write(BASE | {"nodes": dict([between, node("ratio", sql, between[0])])}))
    assert report.found == 2
    assert feeds(hw, f"{CELLAR}.main.ratio.ratio") == {f"{CELLAR}.raw.sample.acid"}


def test_without_a_catalog_what_is_described_is_there_and_the_rest_is_told(
    hw: Headwater, write: Write
) -> None:
    columns = {"id": {"name": "id", "data_type": "integer"}}
    project = write(
        BASE | {"nodes": dict([node("ratio", "select 1", SAMPLE[0], columns=columns)])}, None
    )
    report = run(hw, project)
    assert "dbt docs generate" in report.notes[0]
    assert [(c.name, c.data_type) for c in table(hw).columns or []] == [("id", "INTEGER")]
    assert "columns are not known" in report.unresolved[0].message


def test_a_catalog_of_an_older_run_is_told(hw: Headwater, write: Write) -> None:
    def made(at: str) -> Parts:
        return {"metadata": {"generated_at": f"2026-05-{at}T10:00:00.000000Z"}}

    project = write(catalog=SHAPES | made("01"))
    manifest = project / "target" / "manifest.json"
    told = json.loads(manifest.read_text())
    for at, notes in (("01", 0), ("02", 1)):
        told["metadata"] |= made(at)["metadata"]
        manifest.write_text(json.dumps(told))
        found = run(hw, project).notes
        assert ["is older than" in note for note in found] == [True] * notes


def test_a_table_that_the_warehouse_was_not_asked_about_keeps_its_columns(
    hw: Headwater, write: Write
) -> None:
    run(hw, write())
    run(hw, write(catalog={"nodes": {}, "sources": SHAPES["sources"]}))
    assert table(hw).version == "0.1"
    assert [c.name for c in table(hw).columns or []] == ["id", "ratio"]
    assert feeds(hw, f"{CELLAR}.main.ratio.ratio") == {
        f"{CELLAR}.raw.sample.acid",
        f"{CELLAR}.raw.sample.ash",
    }


def test_what_is_no_object_blocks_deletion(hw: Headwater, write: Write) -> None:
    run(hw, write())
    report = run(hw, write(BASE | {"nodes": {RATIO[0]: ["x"]}}), allow_deletes=True)
    assert "not an object" in report.failed[0].message
    assert table(hw).name == "ratio"


def test_exposures_become_dashboards_and_reach_models(hw: Headwater, write: Write) -> None:
    hw.create({"name": "taste", "algorithm": "Forest"}, kind="mlmodel")
    exposures = dict(
        [
            exposure("weekly", "dashboard", RATIO[0], label="Weekly", url="https://bi.example.com"),
            exposure("taste", "ml", RATIO[0]),
            exposure("unheard", "ml", RATIO[0]),
            exposure("named", "ml", SAMPLE[0], meta={"mlmodel": "headwater.taste"}),
        ]
    )
    report = run(hw, write(BASE | {"exposures": exposures}))
    weekly = hw.get(Dashboard, "dbt.weekly")
    assert (weekly.display_name, weekly.source_url) == ("Weekly", "https://bi.example.com")
    reached = hw.lineage(f"table:{CELLAR}.main.ratio", upstream=0, downstream=1).downstream()
    assert {found.name for found in reached} >= {"weekly"}
    assert "exposure unheard: there is none" in report.unresolved[0].message
    assert hw.impact(f"{CELLAR}.raw.sample.acid", kind="column").to_wire()


def test_what_is_no_longer_said_is_no_longer_lineage(
    hw: Headwater, write: Write, duck: MakeDatabase
) -> None:
    ingest_sql(
        hw,
        duck(
            "CREATE SCHEMA raw; CREATE TABLE raw.sample (id INTEGER, acid DOUBLE, ash"
            " DOUBLE); CREATE TABLE ratio (id INTEGER, ratio DOUBLE)"
        ),
    )
    hw.create({"name": "taste", "algorithm": "Forest"}, kind="mlmodel")
    run(hw, write(BASE | {"exposures": dict([exposure("taste", "ml", RATIO[0])])}))
    assert len(hw.lineage(f"table:{CELLAR}.main.ratio").edges) == 2
    run(hw, write({"sources": dict([SAMPLE, source("ratio", schema="main")]), "nodes": {}}))
    assert len(hw.lineage(f"table:{CELLAR}.main.ratio").edges) == 0


def test_the_project_is_a_pipeline_whose_tasks_are_its_models_and_tests(
    hw: Headwater, write: Write
) -> None:
    key = "test.cellar.not_null"
    check = {"resource_type": "test", "name": "not_null_ratio", "depends_on": {"nodes": [RATIO[0]]}}
    run(hw, write(BASE | {"nodes": {RATIO[0]: RATIO[1], key: check}}))
    tasks = {task.name: task for task in hw.get(Pipeline, "dbt.cellar").tasks or []}
    assert tasks[key].task_type == "test"
    assert tasks[RATIO[0]].downstream_tasks == [key]


def test_a_model_that_is_gone_is_deleted(hw: Headwater, write: Write) -> None:
    models = dict(node(f"m{n}", "select 1 as a") for n in range(6))
    run(hw, write({"nodes": models, "sources": {}}, {"nodes": {}, "sources": {}}))
    del models["model.cellar.m3"]
    report = run(hw, write({"nodes": models, "sources": {}}, {"nodes": {}, "sources": {}}))
    assert report.deleted == 1
    assert f"{CELLAR}.main.m3" not in {each.fully_qualified_name for each in hw.list(Table)}


def test_a_table_that_the_database_still_has_stays_when_its_model_goes(
    hw: Headwater, write: Write, duck: MakeDatabase
) -> None:
    url = duck(
        "CREATE SCHEMA raw; CREATE TABLE raw.sample (id INTEGER); CREATE TABLE ratio (id INTEGER)"
    )
    run(hw, write())
    ingest_sql(hw, url)
    without = write(BASE | {"nodes": {}})
    for _ in range(2):
        assert run(hw, without, allow_deletes=True).deleted == 0
        assert ingest_sql(hw, url).changed == 0


def test_what_is_malformed_is_reported_and_holds_up_no_other(hw: Headwater, write: Write) -> None:
    models = dict(node(f"m{n}", "select 1 as a") for n in range(6))
    run(hw, write(BASE | {"nodes": models}))
    models["model.cellar.m2"]["config"] = "table"
    models["model.cellar.m3"] = {"resource_type": "model", "schema": "main"}
    models["model.cellar.m4"]["depends_on"] = {"nodes": [None]}
    report = run(hw, write(BASE | {"nodes": models | dict([RATIO])}))
    assert [each.name for each in report.failed] == [f"model.cellar.m{n}" for n in (2, 4, 3)]
    assert report.deleted == 0
    assert len(list(hw.list(Table))) == 8


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("manifest.json", None, "there is no such file"),
        ("manifest.json", "{", "no JSON"),
        ("manifest.json", "[]", "has no 'nodes'"),
        ("manifest.json", '{"nodes": {}, "metadata": {}}', "manifests are read from v9 on"),
        ("catalog.json", '{"nodes": 1}', "has no 'nodes'"),
    ],
)
def test_artifacts_that_cannot_be_read_are_a_source_error(
    hw: Headwater, write: Write, file: str, text: str | None, message: str
) -> None:
    path = write() / "target" / file
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(SourceError, match=message):
        run(hw, path.parent.parent)
    assert list(hw.list(Table)) == []


def test_an_older_manifest_is_refused(hw: Headwater, write: Write) -> None:
    with pytest.raises(SourceError, match="v8"):
        run(hw, write(version=8))


def test_a_configuration_needs_a_service_and_a_project() -> None:
    with pytest.raises(InvalidInputError, match="service"):
        check_config({"sources": [{"type": "dbt", "project_dir": "shop"}]})
    with pytest.raises(InvalidInputError, match="project_dir or manifest"):
        check_config({"sources": [{"type": "dbt", "service": "duckdb"}]})
    two = [
        {"type": "dbt", "service": "duckdb", "project": name, "project_dir": name}
        for name in ("shop", "lab")
    ]
    assert [each.service_name for each in check_config({"sources": two})] == [
        "duckdb-shop",
        "duckdb-lab",
    ]
