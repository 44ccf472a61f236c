"""What every connector's run does: previews, deletes what vanished, records itself, goes on."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import Headwater, SourceError, Table
from headwater.connectors.run import Run, RunOptions
from headwater.connectors.sql import ingest

from .conftest import MakeDatabase

MAIN = "duckdb.cellar.main"
SIX = "; ".join(f"CREATE TABLE t{n} (a INTEGER)" for n in range(6))
VIEW = "; ".join([SIX, "CREATE VIEW v AS SELECT a FROM t0"])


def live(hw: Headwater) -> list[str]:
    return [str(table.name) for table in hw.list(Table)]


def last_run(hw: Headwater, pipeline: str = "headwater.sql-duckdb") -> Any:
    return max(hw.list("pipelineRun", parent=pipeline), key=lambda run: run.started_at)


def test_a_table_that_vanished_is_deleted_and_restored_when_it_returns(
    duck: MakeDatabase, hw: Headwater
) -> None:
    ingest(hw, duck(SIX))
    report = ingest(hw, duck("DROP TABLE t3"))
    assert (report.deleted, report.notes) == (1, [])
    assert live(hw) == ["t0", "t1", "t2", "t4", "t5"]
    before = hw.get(Table, f"{MAIN}.t3", deleted=True)
    ingest(hw, duck("CREATE TABLE t3 (a INTEGER)"))
    assert hw.get(Table, f"{MAIN}.t3").id == before.id


def test_what_vanished_from_a_service_whose_name_has_dots_is_deleted(
    duck: MakeDatabase, hw: Headwater
) -> None:
    ingest(hw, duck(SIX), service="db.example.com")
    assert ingest(hw, duck("DROP TABLE t3"), service="db.example.com").deleted == 1


def test_a_schema_goes_after_its_tables(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck(SIX + "; CREATE SCHEMA side; CREATE TABLE side.t (a INTEGER)"))
    options = RunOptions(allow_deletes=True)
    report = ingest(hw, duck("DROP SCHEMA side CASCADE"), options=options)
    assert (report.deleted, report.notes) == (2, [])
    assert [schema.name for schema in hw.list("databaseSchema")] == ["main"]


def test_what_others_created_stays(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck(SIX))
    request = {"name": "mine", "databaseSchema": MAIN, "columns": []}
    hw.create_or_update(request, kind="table")
    report = ingest(hw, duck(""))
    assert report.deleted == 0
    assert "mine" in live(hw)


def test_more_than_a_fifth_is_deleted_only_when_allowed(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck(SIX))
    url = duck("DROP TABLE t1; DROP TABLE t2")
    report = ingest(hw, url)
    assert report.deleted == 0
    assert "2 of 6 table entities are no longer in the source" in report.notes[0]
    assert len(live(hw)) == 6
    assert ingest(hw, url, options=RunOptions(allow_deletes=True)).deleted == 2
    assert len(live(hw)) == 4


def test_what_a_run_brings_makes_no_room_for_deletions(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck(SIX + "; CREATE TABLE back (a INTEGER)"))
    ingest(hw, duck("DROP TABLE back"))
    more = "; ".join(f"CREATE TABLE new{n} (a INTEGER)" for n in range(6))
    url = duck(f"DROP TABLE t1; DROP TABLE t2; CREATE TABLE back (a INTEGER); {more}")
    preview = ingest(hw, url, options=RunOptions(preview=True))
    report = ingest(hw, url)
    assert (preview.deleted, report.deleted) == (0, 0)
    assert preview.notes[0] == report.notes[0]
    assert report.notes[0].startswith("2 of 6 table entities are no longer in the source")


def test_a_run_that_sees_nothing_deletes_nothing(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck("CREATE TABLE t (a INTEGER)"))
    report = ingest(hw, duck("DROP TABLE t"), options=RunOptions(allow_deletes=True))
    assert not report.succeeded
    assert live(hw) == ["t"]
    assert last_run(hw).status.value == "failed"


def test_a_source_that_fails_half_way_deletes_nothing_and_keeps_what_was_written(
    hw: Headwater,
) -> None:
    def first(run: Run) -> None:
        run.put("databaseService", [{"name": "a"}, {"name": "b"}], found=True)
        run.enumerated("databaseService")

    def broken(run: Run) -> None:
        run.put("databaseService", [{"name": "c"}], found=True)
        run.enumerated("databaseService")
        raise SourceError("the line went dead")

    run = Run(hw, type="test", service="x")
    run.execute(first)
    with pytest.raises(SourceError):
        Run(hw, type="test", service="x").execute(broken)
    assert [each.name for each in hw.list("databaseService")] == ["a", "b", "c"]
    failed = next(r for r in hw.list("pipelineRun") if r.status.value == "failed")
    log = list(hw.records(failed, "log"))
    assert "the line went dead" in [line["data"]["message"] for line in log]


def test_two_runs_at_once_delete_nothing_of_each_other(hw: Headwater) -> None:
    def names(*listed: str) -> list[dict[str, str]]:
        return [{"name": name} for name in listed]

    everything = [f"s{n}" for n in range(10)]

    def outer(run: Run) -> None:
        run.put("databaseService", names(*everything[1:]), found=True)
        run.enumerated("databaseService")
        # Meanwhile the other run sees that s0 is there.
        Run(hw, type="test", service="x").execute(inner)

    def inner(run: Run) -> None:
        run.put("databaseService", names(*everything), found=True)
        run.enumerated("databaseService")

    Run(hw, type="test", service="x").execute(inner)
    report = Run(hw, type="test", service="x").execute(outer)
    assert report.deleted == 0
    assert "another run was at work" in report.notes[0]
    assert len(list(hw.list("databaseService"))) == 10

    def fewer(run: Run) -> None:
        run.put("databaseService", names(*everything[1:]), found=True)
        run.enumerated("databaseService")

    assert Run(hw, type="test", service="x").execute(fewer).deleted == 1


def test_a_preview_says_what_a_run_does_and_writes_nothing(
    duck: MakeDatabase, hw: Headwater
) -> None:
    url = duck(VIEW)
    before = list(hw.events())
    report = ingest(hw, url, options=RunOptions(preview=True))
    assert list(hw.events()) == before
    planned = [(each.action, each.kind) for each in report.planned]
    assert planned.count(("create", "table")) == 7
    real = ingest(hw, url)
    assert (real.created, real.edges) == (report.created, report.edges)
    url = duck("DROP TABLE t5; ALTER TABLE t4 ADD COLUMN b INTEGER")
    report = ingest(hw, url, options=RunOptions(preview=True))
    assert [(p.action, p.name, p.fields) for p in report.planned] == [
        ("update", f"{MAIN}.t4", ("columns.b",)),
        ("delete", f"{MAIN}.t5", ()),
    ]
    assert "would update table duckdb.cellar.main.t4: columns.b" in str(report)
    real = ingest(hw, url)
    assert (real.changed, real.deleted) == (report.changed, report.deleted)


def test_a_run_is_recorded_with_its_counts_and_log(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck(SIX))
    run = last_run(hw)
    assert run.status.value == "completed"
    assert run.ended_at >= run.started_at
    counts = {each["key"]: each["data"]["value"] for each in hw.records(run, "metric")}
    assert counts["created"] == 9
    (line,) = hw.records(run, "log")
    assert line["data"]["message"].startswith("duckdb: 9 seen, 9 created")


def test_a_second_run_makes_no_versions(duck: MakeDatabase, hw: Headwater) -> None:
    url = duck(VIEW)
    ingest(hw, url)
    versions = {each.id: each.version for each in hw.list(Table)}
    report = ingest(hw, url)
    assert (report.created, report.changed) == (0, 0)
    assert {each.id: each.version for each in hw.list(Table)} == versions
