"""What a killed export and a killed import leave: nothing that could be taken for the whole."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from headwater.catalog.archive import export_catalog, import_catalog
from headwater.errors import StoreError
from headwater.store import open_store
from headwater.store.base import Store
from headwater.testing.store_build import edge, entity, event, part, writes
from tests.services.lively import live

PROCESS = Path(__file__).with_name("archive_killed.py")
MANY = 1_500
"""More rows of a section than a store takes at once."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of enough rows for an import to have written some when it is killed."""
    file = tmp_path_factory.mktemp("archive") / "all.ndjson"
    with closing(open_store("sqlite://")) as store:
        live(store)
        fill(store)
        export_catalog(store, file)
    return file


def fill(store: Store) -> None:
    names = [f"n{number:05}" for number in range(MANY)]
    text = '{{"id":"table-{0}","name":"{0}","fullyQualifiedName":"{0}"}}'
    tables = [entity(n, document=text.format(n), parts=(part(n, "x"),)) for n in names]
    edges = tuple(edge("table-n00000", f"table-{name}") for name in names[1:])
    store.commit(writes(*tables, edges=edges, events=tuple(event(t.id) for t in tables)))


def killed(*words: object) -> None:
    """Run the process, which must be killed."""
    command = [sys.executable, str(PROCESS), *map(str, words)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("section", ["commits", "states", "events"])
def test_killed_export_leaves_no_file_of_that_name(
    archive: Path, tmp_path: Path, section: str
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with closing(open_store(url)) as store:
        import_catalog(store, archive)
    file = tmp_path / "killed.ndjson"
    killed("export", url, file, section, 30)
    assert not file.exists()
    with closing(open_store(url)) as store:
        export_catalog(store, file)
    assert file.read_bytes() == archive.read_bytes()


POINTS = [("check", MANY), ("commits", 5), ("states", MANY), ("edges", MANY), ("events", MANY)]


@pytest.mark.parametrize(("section", "rows"), POINTS)
def test_killed_import_leaves_an_empty_file(
    archive: Path, tmp_path: Path, section: str, rows: int
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    killed("import", url, archive, section, rows)
    with closing(open_store(url)) as store:
        assert store.sequence() == 0
        assert list(store.dump("commits")) == list(store.dump("states")) == []
        equal_after_import(store, archive, tmp_path)


@pytest.mark.parametrize(("section", "rows"), POINTS)
def test_killed_import_leaves_a_server_s_store_refused(
    archive: Path, tmp_path: Path, section: str, rows: int, neo4j_url: str
) -> None:
    open_store(neo4j_url).close()
    killed("import", neo4j_url, archive, section, rows)
    if section != "check":
        with pytest.raises(StoreError, match="interrupted"):
            open_store(neo4j_url)
    with closing(open_store(neo4j_url, to_fill=True)) as store:
        equal_after_import(store, archive, tmp_path)
    open_store(neo4j_url).close()


def equal_after_import(store: Store, archive: Path, folder: Path) -> None:
    """Hold the store to take the archive now as if nothing had been."""
    import_catalog(store, archive)
    export_catalog(store, folder / "again.ndjson")
    assert (folder / "again.ndjson").read_bytes() == archive.read_bytes()
