"""The MLflow part of a Databricks workspace, as its REST reference documents it.

https://docs.databricks.com/api: pages are smaller than those of MLflow's own server, versions are
searched of one model alone, runs by params, metrics and tags alone, and no files are served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

API = "/api/2.0/mlflow/"
_ONE_MODEL = re.compile(r"name\s*=\s*(?:'([^']*)'|\"([^\"]*)\")")

Json = dict[str, Any]


class RefusalError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error_code": code, "message": message}


@dataclass(slots=True)
class Workspace:
    """What a workspace holds, and what was asked of it."""

    token: str
    models: list[Json]
    versions: list[Json]
    runs: dict[str, Json]
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, asked: Mapping[str, Any]) -> Json:
        self.asked.append(path)
        if path == f"{API}registered-models/search":
            return self._page("registered_models", self.models, asked, most=1000)
        if path == f"{API}model-versions/search":
            return self._versions_of(asked)
        if path == f"{API}experiments/search":
            experiments = [{"experiment_id": "7", "name": "/Users/ann@example.com/churn"}]
            return self._page("experiments", experiments, asked, most=1000)
        if path == f"{API}runs/get":
            if run := self.runs.get(asked["run_id"]):
                return {"run": run}
            raise RefusalError(404, "RESOURCE_DOES_NOT_EXIST", "there is no such run")
        raise RefusalError(404, "ENDPOINT_NOT_FOUND", f"No API found for {path}")

    def _versions_of(self, asked: Mapping[str, Any]) -> Json:
        found = _ONE_MODEL.fullmatch(str(asked.get("filter", "")))
        if found is None:
            raise RefusalError(
                400, "INVALID_PARAMETER_VALUE", "the filter must be name='model_name'"
            )
        its = [each for each in self.versions if each["name"] == (found[1] or found[2])]
        return self._page("model_versions", its, asked, most=10_000)

    def _page(self, name: str, items: list[Json], asked: Mapping[str, Any], *, most: int) -> Json:
        if int(asked.get("max_results", 1)) > most:
            raise RefusalError(400, "INVALID_PARAMETER_VALUE", f"max_results is at most {most}")
        at = int(asked.get("page_token") or 0)
        page: Json = {name: items[at : at + 2]} if items[at : at + 2] else {}
        return page | ({"next_page_token": str(at + 2)} if items[at + 2 :] else {})


@contextmanager
def workspace(**content: Any) -> Iterator[Workspace]:
    """Serve a workspace on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self._answer({name: values[0] for name, values in query.items()})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

        def _answer(self, asked: Mapping[str, Any]) -> None:
            try:
                if self.headers.get("Authorization") != f"Bearer {found.token}":
                    raise RefusalError(403, "403", "Invalid access token.")
                status, body = 200, found.answer(urlsplit(self.path).path, asked)
            except RefusalError as refusal:
                status, body = refusal.status, refusal.body
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found = Workspace(**content, url=f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
