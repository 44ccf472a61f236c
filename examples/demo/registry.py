"""The demo's MLflow: a real server, a model logged to it by its own library, and its ingestion."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from examples.demo.warehouse import read
from headwater import Headwater, ModelVersion
from headwater.connectors.mlflow import ingest
from headwater.testing.neo4j.install import InstallError
from tools.mlflow_server import Server, server

SERVICE = "registry"
MODEL = f"{SERVICE}.order-price"


@contextmanager
def starting(folder: Path) -> Iterator[Future[Server]]:
    """Start a server beside whatever else is done; it ends with the block.

    Its future raises ``InstallError`` where MLflow cannot be installed.
    """
    folder.mkdir()
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        yield pool.submit(stack.enter_context, server(folder, 3, "--workers", "1"))


def read_registry(hw: Headwater, started: Future[Server], warehouse: Path, folder: Path) -> bool:
    """Log two versions to a server, and ingest it before and after one replaces the other.

    Args:
        folder: For the file that the model is trained on.

    Returns:
        Whether there is a server.
    """
    print(
        "MLflow has an environment of its own outside the checkout; making it takes minutes, once."
    )
    try:
        running = started.result()
    except InstallError as error:
        print(f"{error}\nMLflow cannot be installed here, so the demo goes on without it.")
        return False
    read(warehouse, "order_line").to_csv(folder / "order_line.csv", index=False)
    running.run(Path(__file__).with_name("price_model.py"), folder)
    print(ingest(hw, running.url, service=SERVICE))
    running.post("registered-models/alias", name="order-price", alias="champion", version="2")
    print("The alias champion goes to version 2, and the connector runs again:")
    print(ingest(hw, running.url, service=SERVICE))
    for version in hw.list(ModelVersion, parent=MODEL):
        print(f"  {version.fully_qualified_name}: {version.algorithm}, {version.stage}")
    return True
