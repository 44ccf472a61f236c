"""What is to be ingested, as a file says it: sources, each with the type of its connector.

Secrets are not in it: a value ``env:NAME`` is what that variable of the environment holds.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from headwater.connectors.run import Run
from headwater.errors import InvalidInputError
from headwater.names import check_name, escape

CONNECTORS = ("sql", "mlflow", "dbt")
"""Types of source. Each is a module of this package, whose ``Config`` is a ``SourceConfig``."""

ENV = "env:"
SECRET = re.compile("pass|pwd|secret|token|odbc_connect", re.IGNORECASE)
"""In the name of a URL's parameter, it says that the value is none for others."""
_SECRET_IN_URL = re.compile(
    rf"://[^/?#@\s]*:[^/?#@\s]+@|[?&][^=&]*(?:{SECRET.pattern})[^=&]*=[^&]", re.IGNORECASE
)


def _name(text: str) -> str:
    try:
        return check_name(text, "")
    except InvalidInputError as error:  # which no validator of Pydantic's knows
        raise ValueError(error.message) from None


Name = Annotated[str, AfterValidator(_name)]
Fault = dict[str, str]


class SourceConfig(BaseModel, ABC):
    """What every source says.

    Attributes:
        type: Of the connector.
        service: Name of the service that the source is in the catalog.
        secrets: Fields that must come from the environment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    secrets: ClassVar[frozenset[str]] = frozenset()

    type: str
    service: Name | None = None

    @property
    @abstractmethod
    def service_name(self) -> str:
        """The service's name: the one that is given, or one that follows from the rest."""

    @classmethod
    def named(cls, raw: Mapping[str, Any]) -> str | None:
        """The service's name, where a source spells it itself, whatever else is wrong with it."""
        service = raw.get("service")
        return service if isinstance(service, str) and not service.startswith(ENV) else None

    @abstractmethod
    def read(self, run: Run) -> None:
        """Read the source and tell the run of everything in it.

        Raises:
            SourceError: The source cannot be reached or read.
        """


def check_config(
    config: Any, *, environ: Mapping[str, str] | None = None, only: Collection[str] = ()
) -> list[SourceConfig]:
    """Return the sources that a configuration lists.

    Args:
        config: ``{"sources": [{"type": …, …}, …]}``.
        environ: Variables in place of the process's own.
        only: Names of services: sources of others are left out, and need none of their variables;
            none: all sources.

    Raises:
        InvalidInputError: It is not valid; every fault has its pointer.
        NotInstalledError: The extra of a connector is missing.
    """
    listed = config.get("sources") if isinstance(config, Mapping) else None
    if not isinstance(listed, list) or not listed or set(config) != {"sources"}:
        others = sorted(map(repr, set(config) - {"sources"})) if isinstance(config, Mapping) else ()
        raise InvalidInputError.at(
            "",
            "a configuration has `sources:`, a list, and nothing else"
            + (f"; this one has {', '.join(others)}" if others else ""),
        )
    faults: list[Fault] = []
    variables = os.environ if environ is None else environ
    checked = [
        _checked(raw, f"/sources/{n}", variables, faults) for n, raw in _chosen(listed, only)
    ]
    sources = [source for source in checked if source]
    names = [(source.type, source.service_name) for source in sources if not faults]
    for at, name in enumerate(names):
        if name in names[:at]:
            message = (
                f"the {name[0]} source {name[1]!r} is listed twice; `service:` tells them apart"
            )
            faults.append({"pointer": f"/sources/{at}", "message": message})
    if faults:
        text = "; ".join(f"{fault['pointer']}: {fault['message']}" for fault in faults)
        raise InvalidInputError(text, errors=faults)
    return [source for source in sources if not only or source.service_name in only]


def _chosen(listed: list[Any], only: Collection[str]) -> Iterator[tuple[int, Any]]:
    """The sources that may be some services', by their places."""
    classes = [_class(raw) for raw in listed]
    names = [cls.named(raw) if cls else None for cls, raw in zip(classes, listed, strict=True)]
    are_spelt = set(only).issubset(names)
    for at, name in enumerate(names):
        if not only or name in only or (name is None and not are_spelt):
            yield at, listed[at]


def _class(raw: Any) -> type[SourceConfig] | None:
    kind = raw.get("type") if isinstance(raw, Mapping) else None
    if kind not in CONNECTORS:
        return None
    cls: type[SourceConfig] = import_module(f"headwater.connectors.{kind}").Config
    return cls


def _checked(
    raw: Any, pointer: str, environ: Mapping[str, str], faults: list[Fault]
) -> SourceConfig | None:
    known = len(faults)
    if isinstance(raw, Mapping):
        faults += _double_colons(raw, pointer)
    if len(faults) > known:
        return None
    cls = _class(raw)
    if cls is None:
        message = f"a source has a `type:`, one of {', '.join(CONNECTORS)}"
        faults.append({"pointer": pointer, "message": message})
        return None
    faults += _open_secrets(raw, pointer, cls.secrets)
    values = _resolved(raw, pointer, environ, faults)
    if len(faults) > known:
        return None
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            where = "".join(f"/{escape(part)}" for part in fault["loc"])
            faults.append({"pointer": pointer + where, "message": _said(cls, fault)})
        return None


def _said(cls: type[SourceConfig], fault: ErrorDetails) -> str:
    """What is wrong, in the words of a configuration and not of Python."""
    if fault["type"] == "tuple_type":
        return f"must be a list of {cls.model_fields[str(fault['loc'][0])].title}"
    if fault["type"] == "extra_forbidden":
        return f"is no field of a source of this type: {', '.join(cls.model_fields)}"
    return message_of(fault)


def message_of(fault: ErrorDetails) -> str:
    """What a validator says, without what Pydantic puts before a ``ValueError``'s words."""
    return fault["msg"].removeprefix("Value error, ")


def _double_colons(raw: Mapping[Any, Any], pointer: str) -> Iterator[Fault]:
    for name in raw:
        if isinstance(name, str) and name.endswith(":"):
            message = f"there is a colon too many behind {name.rstrip(':')}"
            yield {"pointer": f"{pointer}/{escape(name)}", "message": message}


def _open_secrets(raw: Mapping[str, Any], pointer: str, secrets: frozenset[str]) -> Iterator[Fault]:
    """The faults of secrets that stand in the configuration itself."""
    for name, value in raw.items():
        if not isinstance(value, str) or value.startswith(ENV):
            continue
        if name in secrets or _SECRET_IN_URL.search(value):
            message = "holds a secret: put it in the environment and write env:NAME"
            yield {"pointer": f"{pointer}/{escape(name)}", "message": message}


def _resolved(value: Any, pointer: str, environ: Mapping[str, str], faults: list[Fault]) -> Any:
    """The value with what the environment holds in place of ``env:NAME``."""
    if isinstance(value, Mapping):
        return {
            name: _resolved(each, f"{pointer}/{escape(name)}", environ, faults)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_resolved(each, f"{pointer}/{n}", environ, faults) for n, each in enumerate(value)]
    if not isinstance(value, str) or not value.startswith(ENV):
        return value
    name = value.removeprefix(ENV)
    if name not in environ:
        message = f"the environment has no variable {name!r}"
        faults.append({"pointer": pointer, "message": message})
    return environ.get(name, "")
