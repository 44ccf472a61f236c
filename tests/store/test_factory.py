"""Opening a store by URL: which adapter, and what is said when there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headwater.errors import InvalidInputError, NotInstalledError
from headwater.store import open_store


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
