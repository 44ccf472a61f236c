"""Ingesting an MLflow server beside reading the same with MLflow's own client, on this machine.

``python -m benchmarks.registry [MODELS]``; every model has five versions.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from headwater import Headwater
from headwater.connectors.mlflow import ingest
from tests.clients.environment import environment
from tests.clients.mlflow_server import REQUIREMENTS, server

SCRIPT = Path(__file__).with_name("mlflow_registry.py")


def main(models: int) -> None:
    """Print seconds, and the ratio that counts."""
    python = environment("mlflow-3", *REQUIREMENTS[3])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill = [python, SCRIPT, "fill", folder / "mlflow.db", folder / "artifacts", str(models)]
        subprocess.run(fill, check=True, capture_output=True)
        with server(folder, 3) as found, Headwater.open(folder / "headwater.db") as hw:
            done = subprocess.run(
                [python, SCRIPT, "read", found.url], check=True, capture_output=True
            )
            client = json.loads(done.stdout)
            print(f"MlflowClient: {client}")
            for run in ("first", "second"):
                start = time.perf_counter()
                report = ingest(hw, found.url)
                seconds = time.perf_counter() - start
                ratio = seconds / client["seconds"]
                print(
                    f"{run} run: {seconds:.1f} s, {ratio:.2f} times the client; {report.counts()}"
                )
                print(f"  {report.records} records, {len(report.unresolved)} left open")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
