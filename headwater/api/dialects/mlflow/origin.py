"""What the tracking server says of the runs and logged models that versions come from."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import httpx

from headwater.api.dialects.mlflow.tracking import authorization_of
from headwater.settings import Settings

_log = logging.getLogger("headwater.api")

_TIMEOUT = httpx.Timeout(10.0)  # seconds; a registration waits for it
Json = dict[str, Any]


class Origins:
    """Asks the tracking server, where one is set. Called from threads that may wait."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.mlflow_tracking_uri.rstrip("/")
        self._authorization = authorization_of(settings)

    def find_model(self, model_id: str) -> Json | None:
        """What is known of a logged model, as MLflow 3 keeps them; None: nothing."""
        found = self._find(f"logged-models/{quote(model_id, safe='')}", {})
        return None if found is None else found.get("model", {}).get("info")

    def find_run(self, run_id: str) -> Json | None:
        """What is known of a run; None: nothing."""
        found = self._find("runs/get", {"run_id": run_id})
        return None if found is None else found.get("run", {}).get("info")

    def _find(self, path: str, asked: dict[str, str]) -> Json | None:
        if not self._url:
            return None
        headers = {"Authorization": self._authorization.decode()} if self._authorization else {}
        try:
            answer = httpx.get(
                f"{self._url}/api/2.0/mlflow/{path}",
                params=asked,
                headers=headers,
                timeout=_TIMEOUT,
                trust_env=False,
            )
            found = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("the tracking server was not asked about %s: %s", path, error)
            return None
        return found if isinstance(found, dict) else None
