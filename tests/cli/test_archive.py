"""Export, import, copy, backup, migrate and doctor from the command line."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater import Headwater
from headwater.catalog import Actor
from headwater.schemas import use_folder
from headwater.store import open_store
from headwater.testing.store_build import entity, writes
from tests.cli.conftest import Shell
from tests.schemas.own import make_folder, no_folder_afterwards
from tests.sdk.server import clean_environ
from tests.services.lively import catalog_over, live
from tests.store.test_factory import set_layout

OLDER = Path(__file__).parents[1] / "store" / "frozen" / "layout_1.db.gz"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.ndjson.gz"


@pytest.fixture
def new(tmp_path: Path) -> Shell:
    """The command line over another store, which is not there yet."""
    return Shell(["--store", f"sqlite:///{tmp_path / 'new.db'}"], tmp_path)


def model(shell: Shell) -> str:
    return shell("get", "mlmodel", "headwater.churn", "-o", "json").stdout


def test_exported_catalog_is_imported(filled: Shell, new: Shell, file: Path) -> None:
    (told,) = filled.lines("export", str(file))
    assert told.startswith(f"{file}: ")
    assert " states, " in told
    (loaded,) = new.lines("import", str(file))
    assert loaded == told.replace(": ", ": loaded ").partition(", as of sequence")[0]
    assert model(new) == model(filled)
    assert new.data("versions", "mlmodel", "headwater.churn") == filled.data(
        "versions", "mlmodel", "headwater.churn"
    )


def test_store_comes_from_the_environment(
    filled: Shell, store: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_STORE", store)
    filled.where.clear()
    filled("export", str(file))
    assert file.exists()


def test_filled_store_is_only_merged_into(filled: Shell, new: Shell, file: Path) -> None:
    filled("export", str(file))
    new("apply", "-f", new.file("a.yaml", "{kind: domain, name: here}"))
    assert "--merge" in new("import", str(file), code=4).stderr
    (told,) = new.lines("import", str(file), "--merge")
    assert told.startswith(f"{file}: added 5 entities")
    (again,) = new.lines("import", str(file), "--merge")
    assert "added 0 entities" in again
    assert "there and equal: 6" in again
    alone = new("export", str(file.with_name("one.ndjson")), "--root", "domain:here").stdout
    assert ": 1 state, as of" in alone


def test_merge_reports_what_differs(filled: Shell, new: Shell, hw: Headwater, file: Path) -> None:
    filled("export", str(file))
    new("import", str(file))
    found = hw.get("mlmodel", "headwater.churn")
    found.description = "Later."
    hw.update(found)
    filled("export", str(file), "--force")
    lines = new.lines("import", str(file), "--merge")
    assert lines[1:] == ["replaced mlmodel:headwater.churn: the archive's state is later"]


def test_clashes_end_with_4_and_name_all(filled: Shell, new: Shell, file: Path) -> None:
    filled("export", str(file))
    new("apply", "-f", new.file("a.yaml", "{kind: databaseService, name: shop}"))
    stderr = new("import", str(file), "--merge", code=4).stderr
    assert "databaseService 'shop' is another entity here" in stderr


def test_part_is_exported_by_name(filled: Shell, new: Shell, file: Path) -> None:
    filled("export", str(file), "--root", "table:shop.main.raw.customers")
    assert "added 4 entities" in new.lines("import", str(file))[0]
    assert new.data("list", "mlmodel") == []
    assert "say of what kind" in filled("export", "x.ndjson", "--root", "a.b", code=2).stderr
    filled("export", "x.ndjson", "--root", "table:a.b", code=3)


def test_damaged_archive_ends_with_2(filled: Shell, new: Shell, file: Path) -> None:
    filled("export", str(file))
    file.write_bytes(file.read_bytes()[:-40])
    assert "cut off or damaged; nothing was imported" in new("import", str(file), code=2).stderr


def test_failed_import_leaves_no_new_store(
    filled: Shell, new: Shell, file: Path, tmp_path: Path
) -> None:
    assert "No such file" in new("import", str(file), code=2).stderr
    filled("export", str(file))
    whole = gzip.decompress(file.read_bytes())
    lines = whole.splitlines(keepends=True)
    bad = (b"hello", whole[:-40], b"".join([*lines[:5], b"{}\n", *lines[5:]]))
    for content in (*(gzip.compress(each) for each in bad), file.read_bytes()[:400]):
        file.write_bytes(content)
        new("import", str(file), code=2)
    assert sorted(each.name for each in tmp_path.iterdir()) == [file.name, "headwater.db"]


def test_import_that_fails_late_leaves_the_store_as_it_was(
    filled: Shell, new: Shell, file: Path, tmp_path: Path
) -> None:
    """An archive of a kind that nobody described is whole, but goes into no store."""
    filled("export", str(file))
    text = gzip.decompress(file.read_bytes()).decode().replace('"table"', '"lab"')
    rows = text.splitlines(keepends=True)[:-1]
    trailer = json.loads(text.splitlines()[-1])
    trailer["sha256"] = hashlib.sha256("".join(rows).encode()).hexdigest()
    file.write_bytes(gzip.compress("".join([*rows, json.dumps(trailer)]).encode()))
    assert "no schema describes" in new("import", str(file), code=2).stderr
    assert not list(tmp_path.glob("new.db*"))
    new("apply", "-f", new.file("a.yaml", "{kind: domain, name: here}"))
    new("import", str(file), "--merge", code=2)
    assert [each["name"] for each in new.data("list", "domain")] == ["here"]


def test_failed_copy_leaves_no_new_store(filled: Shell, new: Shell, store: str) -> None:
    target = Path(new.where[1].removeprefix("sqlite:///"))
    empty = target.with_name("empty.db")
    open_store(str(empty)).close()
    filled.where.clear()
    with closing(open_store(store)) as opened:
        opened.commit(writes(entity("cellar", kind="lab")))
    assert "no schema" in filled("copy", "--from", store, "--to", str(target), code=2).stderr
    assert not target.exists()
    filled("copy", "--from", store, "--to", str(empty), code=2)
    assert empty.exists()


def test_store_that_is_not_there_is_not_made(new: Shell, file: Path, tmp_path: Path) -> None:
    for words in (["export", str(file)], ["backup", "x.db"], ["migrate"], ["doctor"]):
        assert "there is no file" in new(*words, code=3).stderr
    assert list(tmp_path.iterdir()) == []


def test_copy_goes_from_store_to_store(filled: Shell, new: Shell, store: str) -> None:
    target = new.where[1]
    filled.where.clear()
    (told,) = filled.lines("copy", "--from", store, "--to", target)
    assert told.startswith("copied ")
    assert (
        "holds something already" in filled("copy", "--from", store, "--to", target, code=4).stderr
    )
    assert '"XGBoost"' in model(new)


def test_backup_of_a_file_takes_its_place(
    filled: Shell, hw: Headwater, store: str, tmp_path: Path
) -> None:
    target = tmp_path / "saved.db"
    assert filled.lines("backup", str(target)) == [f"saved to {target}"]
    with Headwater.open(target) as saved:
        assert saved.get("mlmodel", "headwater.churn") == hw.get("mlmodel", "headwater.churn")
    assert "is there already" in filled("backup", str(target), code=4).stderr
    assert "archives are written by" in filled("backup", "a.ndjson.gz", code=2).stderr


def test_present_layout_needs_no_migration(filled: Shell, tmp_path: Path) -> None:
    before = sorted(each.name for each in tmp_path.iterdir())
    for words in (["migrate"], ["migrate", "--dry-run"]):
        assert "nothing to do" in filled(*words).stdout
    assert sorted(each.name for each in tmp_path.iterdir()) == before


def test_older_layout_is_shown_saved_and_migrated(shell: Shell, store: str, tmp_path: Path) -> None:
    before = gzip.decompress(OLDER.read_bytes())
    Path(store).write_bytes(before)
    planned = shell.lines("migrate", "--dry-run")
    assert all(line.startswith("would ") for line in planned)
    assert Path(store).read_bytes() == before
    assert "older layout" in shell("doctor", code=1).stdout
    saved = tmp_path / "before.db"
    assert "is a database" in shell("migrate", "--backup", "a.ndjson", code=2).stderr
    saved.touch()
    assert "name another file" in shell("migrate", "--backup", str(saved), code=4).stderr
    saved.unlink()
    first, *done = shell.lines("migrate", "--backup", str(saved))
    assert first == f"copy the database to {saved}"
    assert [f"would {line}" for line in done] == planned[1:]
    assert len(saved.read_bytes()) == len(before)
    assert "nothing to do" in shell("migrate").stdout
    assert list(tmp_path.glob("*.backup")) == []


@pytest.mark.parametrize(
    "words",
    [
        ["export", "a.ndjson"],
        ["copy", "--from", "headwater.db", "--to", "to.db"],
        ["list", "mlmodel", "--store", "headwater.db"],
        ["token", "list", "--store", "headwater.db"],
        ["import", "a.ndjson", "--merge"],
    ],
)
def test_older_layout_is_left_alone_by_what_does_not_migrate(
    filled: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if words[0] == "import":
        filled("export", "a.ndjson")
    older = tmp_path / "headwater.db"
    older.unlink()
    older.write_bytes(gzip.decompress(OLDER.read_bytes()))
    monkeypatch.setenv("HEADWATER_STORE", str(older))
    told = Shell([], tmp_path)(*words, code=5).stderr
    assert "older release; `headwater migrate`" in told
    assert older.read_bytes() == gzip.decompress(OLDER.read_bytes())
    assert list(tmp_path.glob("*.backup")) == []


def test_older_layout_is_backed_up_as_it_is(shell: Shell, store: str, tmp_path: Path) -> None:
    Path(store).write_bytes(gzip.decompress(OLDER.read_bytes()))
    shell("backup", str(tmp_path / "saved.db"))
    for path in (store, str(tmp_path / "saved.db")):
        assert "layout 2" in Shell(["--store", path], tmp_path)("migrate", "--dry-run").stdout


def test_doctor_counts_and_finds_nothing_wrong(filled: Shell) -> None:
    lines = filled.lines("doctor")
    assert lines[0].split() == ["KIND", "ENTITIES", "DELETED"]
    assert ["mlmodel", "1", "0"] in [line.split() for line in lines]
    assert lines[-1] == "nothing to do"
    found = json.loads(filled("doctor", "--json").stdout)
    assert found["healthy"] is True
    assert found["counts"]["table"] == {"live": 1, "deleted": 0}


def test_doctor_ends_with_1_when_something_is_wrong(shell: Shell, store: str) -> None:
    with closing(open_store(store)) as opened:
        live(opened)
    told = shell("doctor", code=1).stdout
    assert "problem: edges lead from what is gone" in told
    assert "column:wh.main.shop.t1.id (dropped) → mlFeature:headwater.churn.city" in told
    assert "note: feature sources wait for a column that no table has yet (1)" in told
    found = json.loads(shell("doctor", "--json", code=1).stdout)
    assert [each["check"] for each in found["findings"]] == ["brokenLineage", "unresolvedSources"]


def test_doctor_tells_a_damaged_store(shell: Shell, store: str) -> None:
    with closing(open_store(store)) as opened:
        opened.commit(writes(*(entity(f"t{n}", document="x" * 2000) for n in range(100))))
    path = Path(store)
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (path.stat().st_size - 4096))
    assert "problem: the database" in shell("doctor", code=1).stdout
    assert json.loads(shell("doctor", "--json", code=1).stdout)["healthy"] is False


def test_import_says_that_tokens_are_to_be_made(
    shell: Shell, new: Shell, store: str, file: Path
) -> None:
    with closing(open_store(store)) as opened:
        live(opened)
    shell("export", str(file))
    assert "headwater token create" in new("import", str(file)).stdout


def test_own_kinds_come_along_when_their_schemas_do(
    shell: Shell, new: Shell, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_folder_afterwards():
        monkeypatch.setenv("HEADWATER_SCHEMAS", str(make_folder(tmp_path / "own", lab=LAB)))
        use_folder(tmp_path / "own")
        with closing(open_store(shell.where[1])) as opened:
            catalog_over(opened).put("lab", {"name": "cellar"}, actor=Actor())
        shell("export", str(file))
        use_folder(None)
        monkeypatch.delenv("HEADWATER_SCHEMAS")
        assert "no schema describes the kind 'lab'" in new("import", str(file), code=2).stderr
        monkeypatch.setenv("HEADWATER_SCHEMAS", str(tmp_path / "own"))
        new("import", str(file))
        with closing(open_store(new.where[1])) as opened:
            assert opened.find(("lab", "cellar"))
        assert '"lab"' in new("doctor", "--json").stdout


LAB = {
    "title": "Lab",
    "description": "A place.",
    "x-headwater": {"kind": "lab", "collection": "labs"},
    "type": "object",
    "properties": {},
}


@pytest.mark.neo4j
def test_older_server_is_saved_to_an_archive_and_migrated(
    tmp_path: Path, neo4j_url: str, neo4j_cleaner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(["--store", neo4j_url], tmp_path)
    with closing(open_store(neo4j_url)) as opened:
        live(opened)
    shell("export", str(tmp_path / "before.ndjson.gz"))
    set_layout(neo4j_cleaner, 1)
    monkeypatch.chdir(tmp_path)
    assert "headwater migrate" in shell("export", "refused.ndjson", code=5).stderr
    planned = shell.lines("migrate", "--dry-run")
    assert [each.name for each in tmp_path.iterdir()] == ["before.ndjson.gz"]
    first, *done = shell.lines("migrate")
    assert [f"would {line}" for line in done] == planned
    saved = tmp_path / first.removeprefix("saved to ")
    assert saved.read_bytes() == (tmp_path / "before.ndjson.gz").read_bytes()
    set_layout(neo4j_cleaner, 1)
    named = shell.lines("migrate", "--backup", "named.ndjson.gz")
    assert named[0] == "saved to named.ndjson.gz"
    told = shell("backup", "named.ndjson.gz", code=2).stderr
    assert "name another file" in told
    assert "--force" not in told  # which it does not have
    assert "nothing to do" in shell("migrate").stdout


@pytest.mark.neo4j
@pytest.mark.usefixtures("neo4j_cleaner")
def test_reading_an_empty_database_leaves_it_empty(tmp_path: Path, neo4j_url: str) -> None:
    shell = Shell(["--store", neo4j_url], tmp_path)
    for command in (["list", "mlmodels"], ["search", "churn"], ["delete", "mlmodel:headwater.m"]):
        assert "holds nothing" in shell(*command, code=3).stderr
    with closing(open_store(neo4j_url)) as opened:
        assert opened.sequence() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is made with pty, which is POSIX")
def test_progress_is_shown_on_a_terminal_alone(filled: Shell, file: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "headwater", "export", str(file), *filled.where]
    environ = clean_environ(TERM="xterm")
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, env=environ, check=True)
    os.close(theirs)
    assert b"states" in os.read(ours, 100_000)
    os.close(ours)
    assert done.stdout.startswith(str(file).encode())
    piped = subprocess.run([*command, "--force"], capture_output=True, env=environ, check=True)
    assert piped.stderr == b""
