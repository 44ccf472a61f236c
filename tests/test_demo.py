"""``make demo`` keeps its promises: what it prints, from nothing, without the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.xdist_group("demo")  # one run of the demo is enough


def run_demo(checkout: Path, **environ: str) -> str:
    """What the demo prints in a copy, for it empties `.demo/`, which somebody may be looking at."""
    folder = checkout / "examples" / "demo"
    folder.mkdir(parents=True)
    for file in (ROOT / "examples" / "demo").glob("*.*"):
        (folder / file.name).write_bytes(file.read_bytes())
    (checkout / ".demo").mkdir()
    (checkout / ".demo" / "catalog.db").write_text("left by an earlier run")
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo.demo"],
        cwd=checkout,
        env={**os.environ, "SERVE": "0", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=600,  # with MLflow, which may have to be installed
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where MLflow cannot be installed; `tests/clients/test_demo.py` has it."""
    cache = str(tmp_path_factory.mktemp("cache"))
    checkout = tmp_path_factory.mktemp("checkout")
    return run_demo(checkout, HEADWATER_CACHE=cache, PIP_NO_INDEX="1")


def section(printed: str, number: int) -> str:
    """The text of a step, without its heading."""
    after = printed.partition(f"\n{number}. ")[2].partition(f"\n{number + 1}. ")[0]
    return after.split("─\n", 1)[1]


def test_the_connector_reads_everything_and_leaves_nothing_open(printed: str) -> None:
    text = section(printed, 2)
    assert " 0 failed" in text
    assert "a second run: 0 created, 0 changed" in text
    assert "open:" not in text


def test_owners_and_personal_data_are_told(printed: str) -> None:
    text = section(printed, 3)
    assert "team shop owns raw.customers, raw.orders" in text
    assert "PII.Sensitive: email, birth_date of raw.customers" in text


@pytest.mark.parametrize(
    "version",
    [
        "wine-cultivar.forest: RandomForestClassifier",
        "wine-cultivar.regression: LogisticRegression",
        "churn.spring: RandomForestClassifier",
        "churn.summer: LogisticRegression",
    ],
)
def test_versions_are_trained_and_better_than_guessing(printed: str, version: str) -> None:
    after = section(printed, 4).partition(f"headwater.{version}, ")[2]
    assert float(after.partition("%")[0]) > 70


def test_without_mlflow_the_demo_says_so_and_goes_on(printed: str) -> None:
    assert "MLflow cannot be installed here, so the demo goes on without it." in section(printed, 5)


def test_the_tree_leads_from_the_model_to_raw_tables(printed: str) -> None:
    assert """\
    ├── mlFeature headwater.churn."mail_domain_example.com"
    │   └── table cellar.warehouse.features.customer
    │       ├── table cellar.warehouse.features.spending
    │       │   └── table cellar.warehouse.raw.orders
    │       └── table cellar.warehouse.raw.customers
""" in section(printed, 6)


def test_impact_of_a_raw_column_names_the_model_and_its_version(printed: str) -> None:
    assert """\
column cellar.warehouse.raw.chemistry.malic_acid reaches 2 models and versions
└── column cellar.warehouse.features.wine.acid_to_ash
    ├── mlFeature headwater.wine-cultivar.acid_to_ash
    │   └── mlmodel headwater.wine-cultivar
    └── modelVersion headwater.wine-cultivar.regression (production)
""" in section(printed, 7)


def test_personal_data_reaches_production_unless_it_is_masked(printed: str) -> None:
    text = section(printed, 8)
    assert "modelVersion headwater.churn.spring (production)" in text
    masked = text.partition("masked, and so not followed:\n")[2].splitlines()[0]
    assert masked.split(" → column ") == [
        "  column cellar.warehouse.raw.customers.email",
        "cellar.warehouse.features.order_line.shopper",
    ]
    assert "modelVersion headwater.churn.summer reads no sources tagged PII\n" in text


def test_trainings_on_a_table_and_a_change_of_algorithm_are_told(printed: str) -> None:
    text = section(printed, 9)
    assert "modelVersion headwater.churn.spring (production)" in text
    assert "modelVersion headwater.churn.summer (staging)" in text
    assert "algorithm: RandomForestClassifier → LogisticRegression" in text


def test_what_changed_since_the_training_is_told(printed: str) -> None:
    text = section(printed, 10)
    view, raw = "cellar.warehouse.features.customer", "cellar.warehouse.raw"
    assert f"{view}, version 0.2; now it is 1.0" in text
    assert f"- column {raw}.customers.city → column {view}.city (dropped)\n" in text
    assert f"  column {view}.city (dropped) → modelVersion headwater.churn.spring\n" in text
    assert "columns.amount.dataType: DOUBLE → DECIMAL\n" in text


def test_nothing_is_served_when_told_so(printed: str) -> None:
    assert "\n11. " not in printed
