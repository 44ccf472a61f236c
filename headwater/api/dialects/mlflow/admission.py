"""What of MLflow's protocol only reads, and what takes more than JSON."""

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

_READS = re.compile(r"/(ajax-)?api/2\.0/mlflow/registered-models/get-latest-versions")


def _reads(method: str, path: str) -> bool:
    return method == "POST" and _READS.fullmatch(path) is not None


def _takes_files(method: str, path: str) -> bool:
    return False


MLFLOW = Dialect(PREFIXES, _reads, _takes_files, refusal)
