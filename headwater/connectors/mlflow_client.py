"""MLflow's REST API, as far as it is read: pages to the end, retries, errors without secrets."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from headwater.connectors.mlflow import DATABRICKS, Config
from headwater.errors import SourceError
from headwater.version import __version__

_API = "/api/2.0/mlflow/"
_PAUSES = (0.2, 1.0, 3.0)  # seconds before each further try
_LONGEST_PAUSE = 10.0  # seconds that a server may ask to wait
_AGAIN = frozenset({429, 502, 503, 504})
_TIMEOUT = httpx.Timeout(120.0, connect=10.0)  # seconds; a page holds up to 200,000 versions


class ArtifactError(Exception):
    """A file of a model cannot be had; the message says why."""


class MlflowClient:
    """Reads one MLflow server. Safe to use from many threads at once.

    Attributes:
        url: Its address, without secrets.
        is_databricks: It is Databricks, which serves no files of models and searches for less.
    """

    def __init__(self, config: Config) -> None:
        headers = {"Accept": "application/json", "User-Agent": f"headwater/{__version__}"}
        auth = None
        if config.tracking_token is not None:
            headers["Authorization"] = f"Bearer {config.tracking_token}"
        elif config.tracking_username is not None:
            auth = (config.tracking_username, config.tracking_password or "")
        url = httpx.URL(config.base_url)
        self.url = str(url.copy_with(userinfo=b""))
        self.is_databricks = config.tracking_uri == DATABRICKS
        self._http = httpx.Client(
            base_url=url,
            headers=headers,
            auth=auth,
            timeout=_TIMEOUT,
            verify=not config.tracking_insecure_tls,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def search(
        self,
        what: str,
        answered: str,
        *,
        most: int,
        body: Mapping[str, Any] | None = None,
        filter: str | None = None,  # as MLflow names it
    ) -> Iterator[dict[str, Any]]:
        """Yield what a search finds, page by page to the end.

        Args:
            what: Such as ``registered-models``.
            answered: The property of answers that lists it.
            most: What a page of MLflow's own server holds at most; of others, what they do by
                themselves.
            body: The question, where it is one that is posted.
            filter: What to find, in MLflow's words, where it is not posted.

        Raises:
            SourceError: The server cannot be reached, or does not answer as MLflow does.
        """
        path = f"{_API}{what}/search"
        asked: dict[str, Any] = {**(body or {}), "max_results": most}
        asked |= {"filter": filter} if filter else {}
        while True:
            response = self._ask(path, asked, posted=body is not None)
            if response.status_code == 400 and "max_results" in asked and "page_token" not in asked:
                del asked["max_results"]
                continue
            page = self._json(response)
            yield from page.get(answered, ())
            asked["page_token"] = page.get("next_page_token")
            if not asked["page_token"]:
                return

    def find(self, path: str, params: Mapping[str, str]) -> dict[str, Any] | None:
        """Return what is at a path, or None where nothing is.

        Raises:
            SourceError: See ``search``.
        """
        response = self._ask(_API + path, params, posted=False)
        return None if response.status_code == 404 else self._json(response)

    def artifact(self, model: str, version: str, path: str, *, most: int) -> bytes:
        """Return a file of a model version.

        Args:
            most: Bytes; a larger file is not read to the end.

        Raises:
            ArtifactError: There is none, the server cannot get at it, or it is too large.
            SourceError: The server cannot be reached.
        """
        params = {"path": path, "name": model, "version": version}
        for pause in (*_PAUSES, None):
            try:
                with self._http.stream(
                    "GET", "/model-versions/get-artifact", params=params
                ) as response:
                    if response.status_code not in _AGAIN or pause is None:
                        return _content(response, most)
                    pause = _wait_of(response, pause)
            except httpx.TransportError as error:
                if pause is None:
                    raise self._unreachable(error) from None
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    # Inside

    def _ask(self, path: str, asked: Mapping[str, Any], *, posted: bool) -> httpx.Response:
        for pause in (*_PAUSES, None):
            try:
                if posted:
                    response = self._http.post(path, json=asked)
                else:
                    response = self._http.get(path, params=asked)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                if pause is None or isinstance(error, httpx.UnsupportedProtocol):
                    raise self._unreachable(error) from None
            else:
                if response.status_code not in _AGAIN or pause is None:
                    return response
                pause = _wait_of(response, pause)
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        status = response.status_code
        try:
            data = response.json()
        except ValueError:
            data = None
        if status == 200 and isinstance(data, dict):
            return data
        said = data.get("message") if isinstance(data, dict) else None
        reason = f"{status}" + (f", {str(said)[:300]}" if said else "")
        if status in (401, 403):
            raise SourceError(
                f"{self.url} refuses the sign-in ({reason}): tracking_username and"
                " tracking_password, or tracking_token, are missing, wrong, or may not read this"
            )
        raise SourceError(f"{self.url} does not answer as an MLflow server does: {reason}")

    def _unreachable(self, error: Exception) -> SourceError:
        # The cause is left out: it may have the address with its password.
        said = str(error) or type(error).__name__
        return SourceError(f"cannot reach {self.url}: {said}")


def _content(response: httpx.Response, most: int) -> bytes:
    if response.status_code != 200:
        raise ArtifactError(f"the server answers {response.status_code} when asked for it")
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > most:
            raise ArtifactError(f"it is larger than {most:,} bytes")
    return bytes(content)


def _wait_of(response: httpx.Response, pause: float) -> float:
    """How long to wait: as long as the server asks, within bounds."""
    asked = response.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_PAUSE) if asked.isdigit() else pause
