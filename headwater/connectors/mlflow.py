"""The MLflow connector: registered models, all their versions, and the runs that trained them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from headwater.connectors.config import Name, SourceConfig
from headwater.connectors.ingest import ingest_source
from headwater.connectors.report import Report
from headwater.connectors.run import Run, RunOptions
from headwater.sdk import Headwater

DATABRICKS = "databricks"


class Config(SourceConfig):
    """An MLflow server.

    Attributes:
        tracking_uri: Its address, ``http(s)://…``; or ``databricks``.
        tracking_username: Who signs in, with ``tracking_password``.
        tracking_token: What signs in in place of user and password.
        tracking_insecure_tls: Take any certificate of the server.
        databricks_host: Address of the workspace, where ``tracking_uri`` is ``databricks``.
        production_alias: The alias whose version counts as in production; None: no alias does.
        tag_keys: Tags of models and versions to read, as patterns of their keys.
        datasets: Tables or containers, by FQN, that logged datasets are, by their name or digest.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"tracking_password", "tracking_token"})

    type: Literal["mlflow"] = "mlflow"
    tracking_uri: str = Field(min_length=1)
    tracking_username: str | None = None
    tracking_password: str | None = None
    tracking_token: str | None = None
    tracking_insecure_tls: bool = False
    databricks_host: str | None = None
    production_alias: Name | None = "champion"
    tag_keys: tuple[Name, ...] = Field(default=("*",), title="patterns")
    datasets: dict[str, Name] = Field(default_factory=dict)

    @field_validator("tracking_uri")
    @classmethod
    def _is_server(cls, uri: str) -> str:
        if uri != DATABRICKS and (urlsplit(uri).scheme not in ("http", "https") or not _host(uri)):
            raise ValueError(
                "is the http(s):// address of an MLflow server, or `databricks`; for files and"
                " databases, start one: mlflow server --backend-store-uri …"
            )
        return uri

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.tracking_username is None) != (self.tracking_password is None):
            raise ValueError("tracking_username and tracking_password go together")
        if self.tracking_token is not None and self.tracking_username is not None:
            raise ValueError("tracking_token is in place of tracking_username and _password")
        if self.tracking_uri == DATABRICKS and not (self.databricks_host and self.tracking_token):
            raise ValueError("databricks needs databricks_host and tracking_token")
        if self.tracking_uri != DATABRICKS and self.databricks_host:
            raise ValueError("databricks_host goes with tracking_uri: databricks")
        return self

    @property
    def base_url(self) -> str:
        """Address of the server, without a slash at its end."""
        if self.tracking_uri != DATABRICKS:
            return self.tracking_uri.rstrip("/")
        host = str(self.databricks_host)
        # Copied from a browser it ends in a slash, and says which workspace the page was of.
        url = urlsplit(host if "://" in host else f"https://{host}")
        return f"{url.scheme}://{url.netloc}"

    @property
    def service_name(self) -> str:
        """The service's name; unless given ``mlflow-`` and the server's host."""
        return self.service or f"mlflow-{_host(self.base_url)}"

    def wants_tag(self, key: str) -> bool:
        """Whether a tag is to be read; those of MLflow itself never are."""
        return not key.startswith("mlflow.") and any(fnmatchcase(key, p) for p in self.tag_keys)

    def read(self, run: Run) -> None:
        """See ``SourceConfig.read``."""
        from headwater.connectors.mlflow_run import read  # it takes this class

        read(self, run)


def ingest(
    hw: Headwater, tracking_uri: str, *, options: RunOptions | None = None, **config: Any
) -> Report:
    """Bring the catalog to what an MLflow server says: models, versions, runs, metrics, sources.

    Writes as the producer ``mlflow:<service>``. What cannot be written or matched is in the report,
    and holds up nothing else; a second run over an unchanged server writes nothing.

    Args:
        hw: The catalog.
        tracking_uri: Address of the server.
        options: How the run goes.
        config: See ``Config``.

    Raises:
        SourceError: The server cannot be reached or read. The message has no secret.
        ClientError: The catalog cannot be reached.
    """
    source = Config(tracking_uri=tracking_uri, **config)
    return ingest_source(hw, source, options=options, strict=True)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
