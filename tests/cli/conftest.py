"""The command line, run in this process over a store of the test's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headwater import Headwater, MlModel
from headwater.cli.main import app
from tests.sdk.conftest import add_customers
from tests.sdk.server import running_server


@dataclass
class Shell:
    """Runs ``headwater`` with options that say where the catalog is."""

    where: list[str]
    folder: Path
    runner: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *words: str, stdin: str | None = None, code: int = 0) -> Result:
        """Run a command, which must end with the exit code."""
        result = self.runner.invoke(app, [*words, *self.where], input=stdin)
        assert result.exit_code == code, result.output
        return result

    def lines(self, *words: str, **options: Any) -> list[str]:
        """The lines that a command prints."""
        return str(self(*words, **options).stdout).splitlines()

    def data(self, *words: str, **options: Any) -> Any:
        """What a command prints as JSON."""
        return json.loads(self(*words, "-o", "json", **options).stdout)

    def file(self, name: str, text: str) -> str:
        """Write a file; return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture(autouse=True)
def _no_other_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "STORE", "HOST", "PORT", "TOKEN"):
        monkeypatch.delenv(f"HEADWATER_{name}", raising=False)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Path of the store, whose file is not there yet."""
    return str(tmp_path / "headwater.db")


@pytest.fixture
def shell(store: str, tmp_path: Path) -> Shell:
    """The command line over an empty store."""
    return Shell(["--store", store], tmp_path)


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a table and a model that reads it, in two versions; to be copied."""
    file = tmp_path_factory.mktemp("filled") / "headwater.db"
    with Headwater.open(file) as hw:
        fill(hw)
    return file


@pytest.fixture
def filled(shell: Shell, store: str, filled_file: Path) -> Shell:
    """The command line over a copy of the filled store."""
    shutil.copy(filled_file, store)
    return shell


@pytest.fixture
def hw(store: str, filled: Shell) -> Iterator[Headwater]:
    """A client of the filled store."""
    with Headwater.open(store) as client:
        yield client


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over a filled store, which the tests of one worker share."""
    file = tmp_path_factory.mktemp("server") / "headwater.db"
    with running_server(f"sqlite:///{file}") as url:
        with Headwater(url) as hw:
            fill(hw)
        yield url


def fill(hw: Headwater) -> MlModel:
    """Write ``shop.main.raw.customers`` and the model ``headwater.churn``, which is at 1.0."""
    add_customers(hw)
    source = {"name": "age", "dataType": "integer", "dataSource": "shop.main.raw.customers"}
    feature = {"name": "persona", "dataType": "categorical", "featureSources": [source]}
    body = {"name": "churn", "algorithm": "RandomForest", "mlFeatures": [feature]}
    model = hw.create_or_update(body, kind=MlModel)
    model.algorithm = "XGBoost"
    return hw.update(model)
