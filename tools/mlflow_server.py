"""A real MLflow server of some version, for tests, benchmarks and the demo."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tools.environment import environment

# scikit-learn's files differ by version; SQLAlchemy 2.1 lacks a name that MLflow 2 imports.
_COMMON = ("scikit-learn==1.7.2", "lightgbm==4.6.0")
REQUIREMENTS = {
    2: ("mlflow[auth]==2.22.5", "sqlalchemy==2.0.44", *_COMMON),
    3: ("mlflow[auth]==3.17.2", *_COMMON),
}
ADMIN_PASSWORDS = {2: "password1234", 3: "only for this test"}
"""Of the user `admin`: MLflow 2 has it without asking, MLflow 3 takes any other."""
_SLOWEST = 120.0  # seconds that a server takes to start on a machine that has much to do


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    Attributes:
        python: Of its environment.
    """

    url: str
    python: Path
    process: subprocess.Popen[bytes]

    def post(self, path: str, **body: Any) -> Any:
        """Ask something of its REST API."""
        return self.send("POST", path, **body)

    def delete(self, path: str, **body: Any) -> Any:
        """Delete something over its REST API."""
        return self.send("DELETE", path, **body)

    def run(self, script: Path, folder: Path) -> str:
        """Run a script with MLflow in a folder, given the address and it; return what it prints."""
        done = subprocess.run(
            [self.python, script, self.url, folder],
            env=environ_of(),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def kill(self) -> None:
        """End it at once."""
        stop(self.process)

    def send(self, method: str, path: str, **body: Any) -> Any:
        """Send a request to its REST API by any method."""
        answer = httpx.request(method, f"{self.url}/api/2.0/mlflow/{path}", json=body, timeout=30)
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
        return answer.json()


@contextmanager
def server(folder: Path, generation: int, *options: str) -> Iterator[Server]:
    """Serve a database and files in a folder with MLflow 2 or 3, on a free port of this machine."""
    python = environment(f"mlflow-{generation}", *REQUIREMENTS[generation])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--serve-artifacts"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "2", *options]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ_of(),
            stdout=log,
            stderr=log,
            start_new_session=True,  # it starts workers, which end with it
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, folder / "server.log")
        yield Server(url, python, process)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and the workers that it started."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SLOWEST
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


def environ_of() -> dict[str, str]:
    """The environment of MLflow's processes."""
    return {
        **os.environ,
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN_PASSWORDS[3],
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "for this test",  # sign-in needs one
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # processes that nothing here uses
        "PYTHONWARNINGS": "ignore",
    }
