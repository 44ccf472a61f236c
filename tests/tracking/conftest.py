"""Stores of artifacts, and a catalog to track in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater import Headwater, connect
from headwater.tracking import ArtifactStore, disconnect


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "artifacts"))


@pytest.fixture
def hw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Headwater]:
    """A catalog in process, which this process tracks in, and a folder of its own for artifacts."""
    for name in ("URL", "STORE", "TOKEN", "ARTIFACTS", "MODEL_SERVICE"):
        monkeypatch.delenv(f"HEADWATER_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    yield connect(store="catalog.db")
    disconnect()
