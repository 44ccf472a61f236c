"""Stores of artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.tracking import ArtifactStore


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "artifacts"))
