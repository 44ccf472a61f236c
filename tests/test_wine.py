"""``examples/wine``: from raw tables to the predictions of the version in production."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from headwater import Headwater, ModelVersion
from tests.docs.markdown import ROOT
from tests.sdk.server import clean_environ

pytestmark = pytest.mark.xdist_group("wine")  # one run of the example is enough

EXAMPLE = ROOT / "examples" / "wine" / "wine.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example was run."""
    folder = tmp_path_factory.mktemp("wine")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.wine.wine", str(folder)],
        env=clean_environ(PYTHONPATH=str(ROOT), PYTHONUTF8="1"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def test_it_compares_promotes_and_predicts(folder: Path) -> None:
    printed = (folder / "printed.txt").read_text(encoding="utf-8")
    assert re.search(r"metadata +accuracy +0\.\d+ +0\.\d+", printed)
    assert "In production: version 2" in printed
    assert "Predictions: [0, 2]" in printed
    assert "modelVersion headwater.wine.2 (production)" in printed


def test_its_lineage_reaches_raw_columns_that_nobody_wrote(folder: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert not re.search(r"(?i)featureSource|dataSource|put_edge|source=", text)
    with Headwater.open(folder / "catalog.db") as hw:
        version = hw.get(ModelVersion, "headwater.wine.2")
        assert version.algorithm == "LogisticRegression"
        assert {each.feature for each in version.frozen_sources or ()} == {
            "alcohol", "flavanoids", "proline", "dilution",
        }  # fmt: skip
        raw = hw.lineage_path(
            "column:cellar.cellar.main.measurements.od280_od315_of_diluted_wines",
            "modelVersion:headwater.wine.2",
        )
        assert raw.level == "column"
        runs = {each.pipeline.name: each for each in hw.version_runs(version)}
        assert set(runs) == {"training", "inference"}
        read = [each.fully_qualified_name for each in runs["training"].inputs or ()]
        assert read == ["cellar.cellar.main.samples"]


def test_it_says_how_it_is_run_and_makes_no_folder_of_an_option(tmp_path: Path) -> None:
    for option, code in (("--help", 0), ("--nothing", 2)):
        done = subprocess.run(
            [sys.executable, str(EXAMPLE), option],
            cwd=tmp_path, env=clean_environ(PYTHONPATH=str(ROOT)), capture_output=True,
            encoding="utf-8", check=False,
        )  # fmt: skip
        assert (done.returncode, list(tmp_path.iterdir())) == (code, [])
        assert "[folder]" in done.stdout + done.stderr
