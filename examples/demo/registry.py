"""The demo's MLflow: a real server, a model logged to it by its own library, and its ingestion."""

from __future__ import annotations

from pathlib import Path

from examples.demo.warehouse import read
from headwater import Headwater
from headwater.connectors.mlflow import ingest
from headwater.testing.neo4j.install import InstallError
from tests.clients.mlflow_server import server

SERVICE = "registry"
MODEL = f"{SERVICE}.order-price"


def read_registry(hw: Headwater, warehouse: Path, folder: Path) -> bool:
    """Log two versions to a server, and ingest it before and after one replaces the other.

    Args:
        folder: Of the server; made here.

    Returns:
        Whether MLflow could be installed.
    """
    folder.mkdir()
    read(warehouse, "order_line").to_csv(folder / "order_line.csv", index=False)
    print(
        "MLflow has an environment of its own outside the checkout; making it takes minutes, once."
    )
    try:
        with server(folder, 3) as running:
            running.run(Path(__file__).with_name("price_model.py"), folder)
            print(ingest(hw, running.url, service=SERVICE))
            champion = {"name": "order-price", "alias": "champion", "version": "2"}
            running.post("registered-models/alias", **champion)
            print("the alias champion goes to version 2, and the connector runs again:")
            print(ingest(hw, running.url, service=SERVICE))
    except InstallError as error:
        print(f"{error}\nMLflow cannot be installed here, so the demo goes on without it.")
        return False
    for version in hw.list("modelVersion", parent=MODEL):
        print(f"  {version.fully_qualified_name}: {version.algorithm}, {version.stage.value}")
    return True
