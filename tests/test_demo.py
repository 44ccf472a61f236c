"""``make demo`` keeps its promises: what it prints, from nothing, without the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.xdist_group("demo")  # one run of the demo is enough


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    # A copy, for the demo empties `.demo/` beside it, which somebody may be looking at.
    folder = tmp_path_factory.mktemp("checkout") / "examples" / "demo"
    folder.mkdir(parents=True)
    for file in (ROOT / "examples" / "demo").glob("*.*"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder.parents[1] / ".demo").mkdir()
    (folder.parents[1] / ".demo" / "catalog.db").write_text("left by an earlier run")
    done = subprocess.run(
        [sys.executable, folder / "demo.py"],
        env={**os.environ, "SERVE": "0", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def section(printed: str, number: int) -> str:
    """The text of a step, without its heading."""
    after = printed.partition(f"\n{number}. ")[2].partition(f"\n{number + 1}. ")[0]
    return after.split("─\n", 1)[1]


def test_the_connector_reads_everything_and_leaves_nothing_open(printed: str) -> None:
    text = section(printed, 2)
    assert "10 created, 0 changed, 0 unchanged, 0 failed" in text
    assert "a second run: 0 created, 0 changed" in text
    assert "open:" not in text


def test_the_model_is_trained_and_registered(printed: str) -> None:
    text = section(printed, 3)
    accuracy = float(text.partition("RandomForestClassifier: ")[2].partition("%")[0])
    assert accuracy > 80
    assert "registered headwater.wine-cultivar, version 0.1" in text


def test_the_tree_leads_from_the_model_to_raw_tables(printed: str) -> None:
    assert """\
mlmodel headwater.wine-cultivar
└── upstream, made from:
    ├── mlFeature headwater.wine-cultivar.acid_to_ash
    │   └── table cellar.warehouse.features.wine
    │       ├── table cellar.warehouse.features.phenol_share
    │       │   └── table cellar.warehouse.raw.phenols
    │       ├── table cellar.warehouse.raw.chemistry
    │       ├── table cellar.warehouse.raw.colour
    │       └── table cellar.warehouse.raw.samples
""" in section(printed, 4)


def test_the_tree_leads_from_the_model_to_raw_columns(printed: str) -> None:
    assert """\
    ├── mlFeature headwater.wine-cultivar.flavanoid_share
    │   └── column cellar.warehouse.features.wine.flavanoid_share
    │       └── column cellar.warehouse.features.phenol_share.flavanoid_share
    │           ├── column cellar.warehouse.raw.phenols.flavanoids
    │           └── column cellar.warehouse.raw.phenols.total
""" in section(printed, 4)


def test_impact_of_a_raw_column_names_the_model(printed: str) -> None:
    assert (
        section(printed, 5).rstrip()
        == """\
column cellar.warehouse.raw.chemistry.malic_acid reaches 1 model
└── column cellar.warehouse.features.wine.acid_to_ash
    └── mlFeature headwater.wine-cultivar.acid_to_ash
        └── mlmodel headwater.wine-cultivar"""
    )


def test_another_algorithm_is_a_major_version(printed: str) -> None:
    text = section(printed, 6)
    assert "registered headwater.wine-cultivar, version 1.0" in text
    assert "algorithm: RandomForestClassifier → LogisticRegression" in text


def test_nothing_is_served_when_told_so(printed: str) -> None:
    assert "\n7. " not in printed
