"""``headwater stage`` and ``alias``: where the versions of a model stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from headwater.cli.failure import told
from headwater.cli.option import Format, Output, Store, Url, connect
from headwater.cli.output import print_data, print_text
from headwater.errors import InvalidInputError
from headwater.generated import ModelVersion

Version = Annotated[
    str, typer.Argument(metavar="VERSION", help="Name of the version: headwater.MODEL.VERSION.")
]


def stage(
    version: Version,
    to: Annotated[str, typer.Argument(metavar="STAGE", help="none, staging, production …")],
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    effective_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it was so (ISO 8601), if not now.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Archive the version that is in the way.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the versions that are there.")
    ] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Move a version of a model to a stage: none, staging, production, archived, or your own.

    Staging and production, and stages of your own that say so, hold one version of a model: another
    that is there is in the way, unless --force archives it or --keep leaves it. In production, the
    model itself becomes what the version is. `headwater list modelVersions --parent MODEL` lists
    what there is.

    Example:
      headwater stage headwater.churn.3 production --force --reason "better on new customers"
      headwater stage headwater.churn.4 staging --keep
    """
    when = None if effective_at is None else _milliseconds(effective_at)
    holders = "--force archives that one in the same commit, --keep leaves both"
    with connect(url, store) as hw, told(holders=holders):
        exclusive = False if keep else None
        moved = hw.set_stage(
            version, to, reason=reason, effective_at=when, exclusive=exclusive, force=force
        )
    _report(moved, output)


def alias(
    version: Version,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="Such as champion.")],
    delete: Annotated[bool, typer.Option("--delete", help="Take it away.")] = False,
    protect: Annotated[
        bool | None,
        typer.Option("--protect/--no-protect", help="Let it move and go by --force only."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Although it is protected.")] = False,
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
        if delete:
            moved = hw.delete_alias(version, name, force=force)
        else:
            moved = hw.set_alias(version, name, protected=protect, force=force)
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
