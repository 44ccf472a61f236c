"""The real clients of MLflow 2 and 3 with Headwater as their registry."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater import Headwater
from headwater.catalog import CatalogService, TokenService
from headwater.store import open_store
from headwater.store.draft import Actor
from tools.headwater_server import headwater
from tools.mlflow_server import ADMIN_PASSWORDS, Server, environ_of, server

_SCRIPT = Path(__file__).with_name("mlflow_registry.py")


@pytest.fixture(scope="module", params=[2, 3])
def tracking(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A tracking server of each generation."""
    folder = tmp_path_factory.mktemp(f"tracking-{request.param}")
    with server(folder, request.param) as running:
        yield running


def use(client: Server, registry: str, tracking: str, folder: Path, **environ: str) -> None:
    """Run the script that uses a registry."""
    done = subprocess.run(
        [client.python, _SCRIPT, registry, tracking, folder],
        env={**environ_of(), **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]


def test_clients_register_here_and_track_there(tracking: Server, tmp_path: Path) -> None:
    with headwater(tmp_path) as registry:
        use(tracking, registry, tracking.url, tmp_path)
        with Headwater(registry) as hw:
            model = hw.get("mlmodel", "headwater.churn").to_wire()
            assert model["lifecycle"]["serving"]["number"] == 2
            assert model["mlStore"]["storage"]


def test_one_address_is_enough(tracking: Server, tmp_path: Path) -> None:
    with headwater(tmp_path, HEADWATER_MLFLOW_TRACKING_URI=tracking.url) as both:
        use(tracking, both, both, tmp_path)


def test_clients_sign_in_with_a_token_as_password(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'headwater.db'}")
    catalog = CatalogService(store)
    token = TokenService(store, catalog).create("anna", role="editor", actor=Actor())
    store.close()
    (tmp_path / "tracking").mkdir()
    with (
        server(tmp_path / "tracking", 3, "--app-name", "basic-auth") as tracking,
        headwater(
            tmp_path,
            HEADWATER_MLFLOW_TRACKING_URI=tracking.url,
            HEADWATER_MLFLOW_TRACKING_USERNAME="admin",
            HEADWATER_MLFLOW_TRACKING_PASSWORD=ADMIN_PASSWORDS[3],
        ) as both,
    ):
        named = {"MLFLOW_TRACKING_USERNAME": "anybody", "MLFLOW_TRACKING_PASSWORD": token.secret}
        use(tracking, both, both, tmp_path, **named)
        with Headwater(both, token=token.secret) as hw:
            assert hw.get("mlmodel", "headwater.churn").to_wire()["updatedBy"] == "anna"
