"""Headwater on a warehouse, people and models: what is known of them, and what that answers.

``make demo`` runs it. It works in ``.demo/`` of the checkout, which it empties first. With SERVE=0
in the environment it ends where it would start the server.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from examples.demo import people, registry, training, warehouse
from headwater import Headwater, InvalidInputError, Table
from headwater.app import serve
from headwater.cli.main import app
from headwater.connectors.ingest import ingest_source
from headwater.connectors.report import Report
from headwater.connectors.sql import Config
from headwater.settings import Settings

FOLDER = Path(__file__).parents[2] / ".demo"
WAREHOUSE = FOLDER / "warehouse.duckdb"
CATALOG = FOLDER / "catalog.db"
MLFLOW = FOLDER / "mlflow"
CHURN = "headwater.churn"
RAW = "cellar.warehouse.raw"
VIEW = "cellar.warehouse.features.customer"


def main() -> None:
    """Tell the story, step by step."""
    print("Headwater demo: where does a model's data come from, and where does it go?")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with registry.starting(MLFLOW) as server, Headwater.open(CATALOG) as hw:
        learn(hw)
        heading("5", "Others log to MLflow: its connector finds the view that a model learned from")
        has_registry = registry.read_registry(hw, server, WAREHOUSE, MLFLOW)
    answer(has_registry)
    change()
    if os.environ.get("SERVE", "1") != "0":
        heading("11", "The same catalog, served")
        serve_catalog(CHURN)


def learn(hw: Headwater) -> None:
    """Bring into the catalog what there is to know."""
    heading("1", "A warehouse: raw tables and feature views in a DuckDB file")
    for table, rows in warehouse.fill(WAREHOUSE).items():
        print(f"  raw.{table:<10} {rows:>5} rows")
    print("  features.*: a table that nightly.sql fills, and views (both in examples/demo)")

    heading("2", "The SQL connector reads it: views and the nightly job say what feeds what")
    print(read_warehouse(hw))
    again = read_warehouse(hw)
    print(f"a second run: {again.created} created, {again.changed} changed")

    heading("3", "People say what no machine knows: whose it is, and what is personal")
    people.describe(hw)

    heading("4", "Models are trained with scikit-learn, and registered version by version")
    training.train_cultivar(hw, WAREHOUSE)
    training.train_churn(hw, WAREHOUSE)


def answer(has_registry: bool) -> None:
    """Ask what the catalog was made for."""
    heading("6", "Where does a model's data come from?")
    print("(The commands here and below are run with --store .demo/catalog.db.)\n")
    ask("lineage", f"mlmodel:{CHURN}", "--upstream", "4", "--downstream", "0", "--level", "feature")

    heading("7", "What breaks when a column changes?")
    ask("impact", f"{RAW}.chemistry.malic_acid", "--stage", "production")
    ask("impact", f"{RAW}.customers.city", "--drop", "--fail-on", "production")

    heading("8", "Which models in production read personal data?")
    ask("impact", "--tag", "PII.Sensitive", "--stage", "production")
    print("From the model's side: does the version that is to follow?\n")
    ask("impact", "--tag", "PII", "--model", f"modelVersion:{CHURN}.summer")
    if has_registry:
        ask("impact", "--tag", "PII", "--model", registry.MODEL)

    heading("9", "Which versions learned from a table, and what became of a model?")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    ask("models", "--trained-on", f"{RAW}.customers", "--between", "2025-01-01", today)
    ask("diff", "mlmodel", "headwater.wine-cultivar", "0.1", "1.0")


def change() -> None:
    """Change tables under the models, and ask what is different from what they were trained on."""
    heading("10", "Tables change. What is different since the model was trained?")
    with Headwater.open(CATALOG) as hw:
        trained = hw.model_version(CHURN, "production")
        warehouse.migrate(WAREHOUSE)
        print(read_warehouse(hw))
        then = {
            str(source.data_source.fully_qualified_name): str(source.table_version)
            for source in trained.frozen_sources or []
            if source.data_source
        }
        now = {name: str(hw.get(Table, name).version) for name in then}
        orders = hw.versions(f"table:{RAW}.orders")
    print(f"\n{trained.fully_qualified_name} was trained on:")
    for name in then:
        print(f"  {name}, version {then[name]}; now it is {now[name]}")
    print()
    since = ("--since", "version:0.1", "--upstream", "3", "--level", "column")
    ask("lineage", f"modelVersion:{trained.fully_qualified_name}", *since)
    ask("impact", VIEW, "--drop")
    ask("diff", "table", f"{RAW}.orders", orders[1].version, orders[0].version)


def read_warehouse(hw: Headwater) -> Report:
    """Run the SQL connector on the database and on the job that fills a table of it."""
    statements = (str(Path(__file__).with_name("nightly.sql")),)
    config = Config(url=f"duckdb:///{WAREHOUSE}", service="cellar", statements=statements)
    return ingest_source(hw, config, strict=True)


def ask(*words: str) -> None:
    """Run a command of ``headwater`` as a shell would, and show both."""
    print(f"$ headwater {' '.join(words)}")
    with redirect_stderr(sys.stdout):
        code = app([*words, "--store", str(CATALOG)], standalone_mode=False)
    print(f"(exit code {code})\n" if code else "")


def serve_catalog(model: str) -> None:
    """Serve in the foreground until Ctrl-C; on a free port where the usual one is taken."""
    installed = Path(sys.executable).with_name("headwater")
    here = installed.is_relative_to(Path.cwd())
    command = installed.relative_to(Path.cwd()) if here else "headwater"

    def announce(line: str) -> None:
        address = line.split()[-1]
        print(line)
        print(f"  its REST API:               {address}/docs")
        print(f"  from another terminal:      {command} lineage {model} --url {address}")
        print("Ctrl-C stops it.", flush=True)

    settings = Settings.from_env(store=f"sqlite:///{CATALOG}")
    try:
        serve(settings, announce=announce)
    except InvalidInputError as error:
        print(f"{error.message}\nHere, a free port is taken instead.")
        serve(replace(settings, host="127.0.0.1", port=0), announce=announce)


def heading(number: str, text: str) -> None:
    """Print the title of a step."""
    title = f"{number}. {text}"
    print(f"\n{title}\n{'─' * len(title)}", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C is how the server is meant to end
        main()
    print("\nThe end. .demo/ keeps the warehouse and the catalog.")
