"""The native API beside ZenML's server: create version, set stage, list 100.

Both hold the same models, are asked by the same raw client over one connection each, in turn, and
ask for no sign-in. ZenML's server is installed once, into the cache of environments.

    python -m benchmarks.zenml_server [MODELS]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.client import RawClient
from benchmarks.server import server
from tools.environment import environment

ROOT = Path(__file__).parents[1]
VERSIONS = 150
ROUNDS, A_ROUND = 5, 20
AIM = 10


@dataclass
class Side:
    """One server, and how its requests are spelled."""

    client: RawClient

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the JSON of the answer."""
        raw = b"" if body is None else json.dumps(body).encode()
        status, answer = self.client.send(self.client.request(method, path, raw))
        if status >= 300:
            raise RuntimeError(f"{status}: {answer[:500]!r} for {method} {path}")
        return json.loads(answer)


class Headwater(Side):
    """Headwater's native API."""

    def fill(self, models: int) -> None:
        """Make models with a version each, and one with many."""
        for number in range(models):
            body = {"name": f"m{number}", "algorithm": "unknown"}
            self.name = body["name"]
            id_ = self.json("POST", "/api/v1/mlmodels", body)["id"]
            self.json("POST", f"/api/v1/mlmodels/{id_}/modelVersions", {})
        self.model = id_
        self.versions = [self.create(n) for n in range(VERSIONS)]

    def create(self, number: int) -> str:
        """Create a version, and return its id."""
        path, body = f"/api/v1/mlmodels/{self.model}/modelVersions", {"description": f"d{number}"}
        return str(self.json("POST", path, body)["id"])

    def stage(self, number: int) -> None:
        """Move a version into production; who was there is archived."""
        path = f"/api/v1/modelVersions/{self.versions[number % VERSIONS]}/stage"
        self.json("POST", path, {"stage": "production", "force": True})

    def list(self, _: int) -> None:
        """List 100 versions of a model."""
        found = self.json("GET", f"/api/v1/modelVersions?parent=headwater.{self.name}&limit=100")
        assert len(found["data"]) == 100  # noqa: S101  (both answer as much)


class Zenml(Side):
    """ZenML's server."""

    def fill(self, models: int) -> None:
        """Make models with a version each, and one with many."""
        self.project = self.json("GET", "/api/v1/projects")["items"][0]["id"]
        for number in range(models):
            body = {"name": f"m{number}", "project": self.project}
            self.model = self.json("POST", "/api/v1/models", body)["id"]
            self.create(number)
        self.versions = [self.create(n) for n in range(VERSIONS)]

    def create(self, number: int) -> str:
        """Create a version, and return its id."""
        body = {"project": self.project, "model": self.model, "description": f"d{number}"}
        return str(self.json("POST", "/api/v1/model_versions", body)["id"])

    def stage(self, number: int) -> None:
        """Move a version into production; who was there is archived."""
        path = f"/api/v1/model_versions/{self.versions[number % VERSIONS]}"
        self.json("PUT", path, {"stage": "production", "force": True})

    def list(self, _: int) -> None:
        """List 100 versions of a model."""
        path = f"/api/v1/model_versions?model={self.model}&size=100&page=1&hydrate=false"
        found = self.json("GET", path)
        assert len(found["items"]) == 100  # noqa: S101  (both answer as much)


def main() -> int:
    """Measure, and print the ratios."""
    models = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        headwater = Headwater(stack.enter_context(_headwater(Path(folder))))
        zenml = Zenml(stack.enter_context(_zenml(Path(folder))))
        for side in (headwater, zenml):
            side.fill(models)
        print(f"{models} models, {VERSIONS} versions of one; medians of {ROUNDS} times {A_ROUND}")
        for name, which in (
            ("create version", "create"),
            ("set stage", "stage"),
            ("list 100 versions", "list"),
        ):
            _show(name, getattr(headwater, which), getattr(zenml, which))
    return 0


def _show(name: str, ours: Callable[[int], Any], theirs: Callable[[int], Any]) -> None:
    took: tuple[list[float], list[float]] = ([], [])
    for round_ in range(ROUNDS):
        for call, times in zip((ours, theirs), took, strict=True):
            times += [_timed(call, round_ * A_ROUND + n) for n in range(A_ROUND)]
    mine, other = (statistics.median(times) * 1000 for times in took)
    print(
        f"{name:18} headwater {mine:7.2f} ms  zenml {other:7.2f} ms"
        f"  {other / mine:5.1f} times (aim {AIM})"
    )


def _timed(call: Callable[[int], Any], number: int) -> float:
    start = time.perf_counter()
    call(number)
    return time.perf_counter() - start


@contextmanager
def _headwater(folder: Path) -> Any:
    command = [
        sys.executable,
        "-m",
        "headwater",
        "serve",
        "--store",
        str(folder / "h.db"),
        "--port",
    ]
    with server(command, ROOT) as started, RawClient(started.port) as client:
        yield client


@contextmanager
def _zenml(folder: Path) -> Any:
    python = environment("zenml-server", "zenml[server]==0.98.0")
    environ = {
        **os.environ,
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_LOGGING_VERBOSITY": "ERROR",
        "ZENML_SERVER_AUTH_SCHEME": "NO_AUTH",
        "ZENML_SERVER_AUTO_ACTIVATE": "1",
        "ZENML_STORE_TYPE": "sql",
        "ZENML_STORE_URL": f"sqlite:///{folder / 'zenml.db'}",
    }
    app = "zenml.zen_server.zen_server_api:app"
    command = [str(python), "-m", "uvicorn", app, "--host", "127.0.0.1", "--log-level", "error",
               "--port"]  # fmt: skip
    with (
        server(command, folder, environ=environ, seconds=180) as started,
        RawClient(started.port) as client,
    ):
        yield client


if __name__ == "__main__":
    sys.exit(main())
