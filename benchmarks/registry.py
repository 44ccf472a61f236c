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
from tools.environment import environment
from tools.mlflow_server import REQUIREMENTS, server

SCRIPT = Path(__file__).with_name("mlflow_registry.py")


def main(models: int) -> None:
    """Print seconds, and the ratio that counts."""
    python = environment("mlflow-3", *REQUIREMENTS[3])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [str(folder / "mlflow.db"), str(folder / "artifacts")]
        _script(python, "fill", *files, str(models))
        with server(folder, 3) as found, Headwater.open(folder / "headwater.db") as hw:
            client = json.loads(_script(python, "read", found.url))
            print(f"MlflowClient: {client}")
            for run in ("first", "second"):
                start = time.perf_counter()
                report = ingest(hw, found.url)
                seconds = time.perf_counter() - start
                ratio = seconds / client["seconds"]
                print(f"{run} run: {seconds:.1f} s, {ratio:.2f} times the client")
                print(f"  {report.counts()}, {report.records} records")


def _script(python: Path, *arguments: str) -> bytes:
    """What the script that needs MLflow prints."""
    command = [str(python), str(SCRIPT), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
