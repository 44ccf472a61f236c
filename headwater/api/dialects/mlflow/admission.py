"""What of MLflow's protocol only reads, what is for admins, and what takes more than JSON."""

from __future__ import annotations

import re

from headwater.api.dialects.mlflow.error import refusal
from headwater.api.guard import Dialect

PREFIXES = tuple(
    f"/{kind}/{version}/{family}/"
    for kind in ("api", "ajax-api")
    for version, family in (("2.0", "mlflow"), ("3.0", "mlflow"), ("2.0", "mlflow-artifacts"))
)
"""Where MLflow's clients, and its pages, ask."""

_API = r"/(?:ajax-)?api/[23]\.0/mlflow/"
_FILES = r"/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts"
_GETS = re.compile(
    rf"{_FILES}(?:/.+)?|{_API}(?:"
    r"(?:registered-models|model-versions)/.*"
    r"|experiments/(?:get|get-by-name|search)"
    r"|runs/get|artifacts/list|metrics/get-history(?:-bulk)?(?:-interval)?"
    r"|logged-models/[^/]+(?:/artifacts/directories)?"
    r"|traces(?:/[^/]+(?:/info|/assessments/[^/]+)?)?|unified-traces|get-trace-artifact"
    r"|datasets/(?:search|[^/]+(?:/records|/experiment-ids)?)"
    r"|scorers/(?:list|versions|get)|issues/[^/]+|label-schemas/(?:get|get-by-name|list))",
    re.DOTALL,
)
_POSTS = re.compile(
    rf"{_API}(?:registered-models/get-latest-versions"
    r"|(?:experiments|runs|logged-models|traces|datasets|issues)/search"
    r"|experiments/search-datasets|traces/(?:batchGetInfos|metrics|calculate-filter-correlation))"
)
# They would act with the rights that this server has at the tracking server; the assistant runs
# programs on its host.
_FOR_ADMINS = re.compile(
    rf"{_API}(?:(?:users|roles|workspaces|webhooks|gateway|gateway-proxy|assistant)(?:/.*)?"
    r"|(?:.*/)?permissions(?:/.*)?)",
    re.DOTALL,
)


def is_read(method: str, path: str) -> bool:
    """Whether a request is one of the reads that a viewer may make."""
    pattern = {"GET": _GETS, "HEAD": _GETS, "POST": _POSTS}.get(method)
    return pattern is not None and pattern.fullmatch(path) is not None


def is_for_admins(path: str) -> bool:
    """Whether a path is about who may do what, about secrets, or about programs of its host."""
    return _FOR_ADMINS.fullmatch(path) is not None


def _takes_files(method: str, path: str) -> bool:
    return method == "PUT" and re.fullmatch(rf"{_FILES}/.+", path, re.DOTALL) is not None


MLFLOW = Dialect(PREFIXES, is_read, _takes_files, refusal)
