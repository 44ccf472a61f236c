"""What a server is told: defaults, environment variables, and checks. Nothing is opened here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from headwater.errors import InvalidInputError

_VARIABLES = {
    "store": "HEADWATER_STORE",
    "host": "HEADWATER_HOST",
    "port": "HEADWATER_PORT",
    "schemas": "HEADWATER_SCHEMAS",
    "events_keep_days": "HEADWATER_EVENTS_KEEP_DAYS",
    "mlflow_service": "HEADWATER_MLFLOW_SERVICE",
    "mlflow_alias": "HEADWATER_MLFLOW_ALIAS",
    "mlflow_tracking_uri": "HEADWATER_MLFLOW_TRACKING_URI",
    "mlflow_tracking_username": "HEADWATER_MLFLOW_TRACKING_USERNAME",
    "mlflow_tracking_password": "HEADWATER_MLFLOW_TRACKING_PASSWORD",
    "mlflow_tracking_token": "HEADWATER_MLFLOW_TRACKING_TOKEN",
}
MAX_DAYS = 36_500
MLFLOW_ALIAS = re.compile(r"[\w-]{1,255}")
"""What an alias of MLflow's is like, unless it is reserved there."""
RESERVED_ALIAS = re.compile(r"(?i:latest)|[vV]\d+")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server runs.

    Attributes:
        store: URL of the store (see ``headwater.store.open_store``).
        host: Address to listen on.
        port: TCP port to listen on; 0 lets the system choose a free one.
        schemas: Folder of an organisation's own schema files; empty for none.
        events_keep_days: How many days a server keeps events; None: for good.
        mlflow_service: Name of the service whose models MLflow's clients see.
        mlflow_alias: The alias that the serving version has there; ``none`` for no alias.
        mlflow_tracking_uri: Address of the tracking server that gets what else they ask; empty for
            none. ``mlflow_tracking_username`` and ``_password``, or ``_token``, sign in there.
        read_timeout: Seconds that a remote store has to answer a read.
        write_timeout: Seconds that it has to answer a write.
        max_body: The most bytes that a request's body may have.
        max_nesting: How deep arrays and objects of a request may stand in each other.
    """

    store: str = "sqlite:///headwater.db"
    host: str = "127.0.0.1"
    port: int = 8585
    schemas: str = ""
    events_keep_days: int | None = None
    mlflow_service: str = "headwater"
    mlflow_alias: str = "champion"
    mlflow_tracking_uri: str = ""
    mlflow_tracking_username: str = ""
    mlflow_tracking_password: str = field(default="", repr=False)
    mlflow_tracking_token: str = field(default="", repr=False)
    read_timeout: float = 30
    write_timeout: float = 300
    max_body: int = 10_000_000
    max_nesting: int = 64

    @classmethod
    def from_env(cls, *, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Return the settings that the environment gives, below those that are passed.

        Args:
            environ: Variables in place of the process's own. Empty ones count as not set.
            overrides: Fields by name; those that are None are left to the environment.

        Raises:
            InvalidInputError: A value cannot be used; the message names where it came from.
        """
        values = os.environ if environ is None else environ
        found: dict[str, Any] = {each.name: each.default for each in fields(cls)}
        sources = {name: name for name in found}
        for name, variable in _VARIABLES.items():
            if values.get(variable):
                found[name], sources[name] = values[variable], variable
        for name, value in overrides.items():
            if value is not None:
                found[name], sources[name] = value, name
        found["port"] = _port(found["port"], sources["port"])
        if found["events_keep_days"] is not None:
            found["events_keep_days"] = _days(
                found["events_keep_days"], sources["events_keep_days"]
            )
        _check_alias(found["mlflow_alias"], sources["mlflow_alias"])
        _check_address(found["mlflow_tracking_uri"], sources["mlflow_tracking_uri"])
        return cls(**found)


def _check_alias(value: str, source: str) -> None:
    if RESERVED_ALIAS.fullmatch(value) or not MLFLOW_ALIAS.fullmatch(value):
        raise InvalidInputError(
            f"{source} is an alias as MLflow has them (letters, digits, _ and -; neither latest nor"
            f" v1), or none, not {value!r}"
        )


def _check_address(value: str, source: str) -> None:
    parts = urlsplit(value)
    sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    if value and (not sound or parts.query or parts.fragment):
        raise InvalidInputError(
            f"{source} is the http(s):// address of a server, without a user in it: who signs in"
            " has variables of its own"
        )


def _port(value: Any, source: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
        raise InvalidInputError(f"{source}: a port is a whole number from 0 to 65535, not {text!r}")
    return int(text)


def _days(value: Any, source: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_DAYS):
        raise InvalidInputError(
            f"{source} is a whole number of days from 1 to {MAX_DAYS}, not {text!r}"
        )
    return int(text)
