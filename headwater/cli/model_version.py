"""``headwater stage`` and ``alias``: where the versions of a model stand."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from headwater.cli.option import Format, Output, Store, Url, connect
from headwater.cli.output import print_data, print_text
from headwater.errors import InvalidInputError
from headwater.generated import ModelVersion

Version = Annotated[
    str, typer.Argument(metavar="VERSION", help="Name of the version: headwater.MODEL.VERSION.")
]


class Stage(StrEnum):
    """Where a version may be."""

    none = "none"
    staging = "staging"
    production = "production"
    archived = "archived"


def stage(
    version: Version,
    to: Annotated[Stage, typer.Argument(metavar="STAGE", help="none, staging, production …")],
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    effective_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it was so (ISO 8601), if not now.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the versions that are there; else archived.")
    ] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Move a version of a model to a stage: none, staging, production or archived.

    In production, the model itself becomes what the version is. `headwater list modelVersions
    --parent headwater.churn` lists what there is.

    Example:
      headwater stage headwater.churn.3 production --reason "better on new customers"
      headwater stage headwater.churn.4 staging --keep
    """
    when = None if effective_at is None else _milliseconds(effective_at)
    with connect(url, store) as hw:
        exclusive = False if keep else None
        moved = hw.set_stage(
            version, to.value, reason=reason, effective_at=when, exclusive=exclusive
        )
    _report(moved, output)


def alias(
    version: Version,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="Such as champion.")],
    delete: Annotated[bool, typer.Option("--delete", help="Take it away.")] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Give a version of a model an alias; another that had it loses it.

    Example:
      headwater alias headwater.churn.3 champion
      headwater alias headwater.churn.3 champion --delete
    """
    with connect(url, store) as hw:
        moved = hw.delete_alias(version, name) if delete else hw.set_alias(version, name)
    _report(moved, output)


def _report(version: ModelVersion, output: Format) -> None:
    if output is not Format.table:
        print_data({"kind": "modelVersion", **version.to_wire()}, output)
        return
    aliases = "".join(f" {each}" for each in version.aliases or ())
    print_text(f"{version.fully_qualified_name} {version.stage}{aliases}")


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"--effective-at is a time such as 2026-01-31 or 2026-01-31T12:00:00Z, not {text!r}"
        ) from None
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(known.timestamp() * 1000)
