"""``headwater ingest``: sources into the catalog, as a file configures them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.failure import FAILED
from headwater.cli.item import place_of, read_file
from headwater.cli.option import Format, Output, Store, Url, check_file, connect
from headwater.cli.output import print_data, print_text
from headwater.cli.progress import progress
from headwater.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from headwater.connectors.config import SourceConfig  # loaded when there is something to read


def ingest(
    config: Annotated[
        str, typer.Option("--config", "-c", metavar="FILE", help="YAML or JSON; - is stdin.")
    ],
    preview: Annotated[
        bool, typer.Option("--preview", help="Write nothing; say what would be.")
    ] = False,
    allow_deletes: Annotated[
        bool,
        typer.Option(
            "--allow-deletes", help="Also when more than 20 % of a source has vanished, delete it."
        ),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="SERVICE", help="Only this source. Repeatable."),
    ] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Bring the catalog to what databases, registries and projects say.

    What a source no longer has is soft-deleted, if it was read to the end. People's descriptions,
    tags and owners stay. A second run over an unchanged source writes nothing. Each run is a
    `pipelineRun` of the service `headwater`, with its log. The exit code is 1 when a source could
    not be read, or something of it could not be written.

    Example:
      headwater ingest -c sources.yaml --preview
      headwater ingest -c sources.yaml
      headwater records pipeline headwater.sql-warehouse run
    """
    from headwater.connectors.ingest import ingest as ingest_all
    from headwater.connectors.run import RunOptions

    chosen = _sources(config, only or ())
    reports = []
    if preview and store is not None:
        try:
            check_file(store)
        except NotFoundError:
            store = "sqlite://"  # nothing is there yet, and a preview makes nothing
    with connect(url, store, create=True) as hw, progress() as watch:
        options = RunOptions(preview=preview, allow_deletes=allow_deletes, watch=watch)
        for report in ingest_all(hw, chosen, options=options):
            reports.append(report)
            if output is Format.table:
                print_text(str(report))
    if output is not Format.table:
        print_data([report.to_wire() for report in reports], output)
    if not all(report.succeeded for report in reports):
        raise typer.Exit(FAILED)


def _sources(config: str, only: Collection[str]) -> list[SourceConfig]:
    """The sources of a file, or those of some services; a fault has the file's name and its line.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: It is no configuration, or has no source of one of the services.
    """
    from headwater.connectors.config import check_config

    try:
        items = read_file(config).items()
    except (InvalidInputError, NotFoundError) as error:
        raise type(error)(f"{place_of(config, error)} {error.message}") from error
    if len(items) != 1:
        raise InvalidInputError(f"{config} is not one document with `sources:`")
    item = items[0]
    try:
        sources = check_config(item.body(), only=only)
    except InvalidInputError as error:
        line = error.details.get("line")
        faults = error.errors or [{"pointer": "", "message": error.message}]
        told = [
            ": ".join(filter(None, (item.place(at := f["pointer"], line=line), at, f["message"])))
            for f in faults
        ]
        raise InvalidInputError("\n".join(told), errors=error.errors) from error
    if unknown := set(only) - {source.service_name for source in sources}:
        raise InvalidInputError(f"{config} has no source of the service {min(unknown)!r}")
    return sources
