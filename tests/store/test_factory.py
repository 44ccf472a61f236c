"""Opening a store by URL: which adapter, and what is said when there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import InvalidInputError, NotInstalledError, StoreError
from headwater.store import Store, open_store
from headwater.store.base import Row
from headwater.store.factory import changes_layout, connect_store, copy_file, engine_of
from headwater.testing.store_build import entity, writes


def test_unknown_scheme_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInputError) as caught:
        open_store("postgres://user:hunter2@host/db")
    message = caught.value.message
    for scheme in ("postgres", "sqlite", "neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s"):
        assert scheme in message
    assert "hunter2" not in message


@pytest.mark.parametrize("scheme", ["neo4j", "bolt+ssc"])
def test_missing_driver_names_the_extra(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("headwater.store.neo4j")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "neo4j", None)
    with pytest.raises(NotInstalledError, match=r"pip install 'headwater\[neo4j\]'") as caught:
        open_store(f"{scheme}://user:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(caught.value)


def test_importing_the_store_loads_no_adapter() -> None:
    code = (
        "import sys, headwater.store; "
        "sys.exit(any(m in sys.modules for m in ('sqlite3', 'neo4j', 'pytest')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "engine"),
    [("a.db", "sqlite"), ("sqlite://", "sqlite"), ("bolt+s://h", "neo4j"), ("neo4j://h", "neo4j")],
)
def test_url_says_which_engine_it_means(url: str, engine: str) -> None:
    assert engine_of(url) == engine


def test_connecting_leaves_the_layout_as_it_is() -> None:
    store = connect_store("sqlite://")
    assert store.migrate(dry_run=True) != []
    store.close()


def test_making_a_store_changes_no_layout() -> None:
    store = connect_store("sqlite://")
    assert not changes_layout(store.migrate(dry_run=True))
    store.close()


def test_only_a_file_is_copied(tmp_path: Path) -> None:
    url = str(tmp_path / "a.db")
    store = open_store(url)
    store.commit(writes(entity("a")))
    copy_file(url, tmp_path / "b.db")
    store.close()
    copied = open_store(str(tmp_path / "b.db"))
    assert copied.find("table-a") is not None
    copied.close()
    with pytest.raises(InvalidInputError, match="export"):
        copy_file("neo4j://user:hunter2@host", tmp_path / "c.db")


def set_layout(driver: Any, version: int) -> None:
    driver.execute_query("MATCH (l:_Counter {name: 'layout'}) SET l.version = $v", v=version)


def test_older_server_is_migrated_only_after_it_was_saved(
    neo4j_url: str, neo4j_cleaner: Any
) -> None:
    store = open_store(neo4j_url)
    store.commit(writes(entity("a")))
    store.close()
    set_layout(neo4j_cleaner, 1)
    with pytest.raises(StoreError, match="headwater migrate"):
        open_store(neo4j_url)

    def fail(store: Store) -> None:
        raise InvalidInputError("no room")

    with pytest.raises(InvalidInputError, match="no room"):
        open_store(neo4j_url, back_up=fail)
    saved: list[Row] = []
    opened = open_store(neo4j_url, back_up=lambda old: saved.extend(old.dump("states")))
    assert len(saved) == 1
    assert opened.migrate(dry_run=True) == []
    opened.close()
    open_store(neo4j_url).close()
