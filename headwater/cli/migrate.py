"""``headwater migrate mlflow``: another registry into the one that MLflow's clients see here."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.failure import FAILED
from headwater.cli.option import Format, Output, Store, Url, connect
from headwater.cli.output import print_data, print_text
from headwater.cli.progress import progress
from headwater.errors import InvalidInputError
from headwater.settings import Settings


def mlflow(
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="Address of the MLflow server.")
    ],
    username: Annotated[
        str | None, typer.Option(envvar="MLFLOW_TRACKING_USERNAME", help="Who signs in there.")
    ] = None,
    service: Annotated[
        str | None,
        typer.Option(
            envvar="HEADWATER_MLFLOW_SERVICE",
            help="The service that the models go to.",
            show_default="headwater",
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Write nothing; say what would be.")
    ] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Move the model registry of an MLflow server here, once.

    Models, versions with their numbers, descriptions, tags, stages, aliases, and when all of it
    was; runs stay where they are. A second run brings what is new there; what was changed here
    stays, and nothing is deleted. MLFLOW_TRACKING_PASSWORD or MLFLOW_TRACKING_TOKEN signs in at
    the server.

    Example:
      headwater migrate mlflow --from http://127.0.0.1:5000 --preview
      headwater migrate mlflow --from http://127.0.0.1:5000
    """
    import os

    from pydantic import ValidationError

    from headwater.connectors.config import message_of
    from headwater.connectors.mlflow import Config
    from headwater.connectors.mlflow_migrate import migrate
    from headwater.connectors.run import RunOptions

    settings = Settings.from_env(mlflow_service=service)
    alias = settings.mlflow_alias
    try:
        config = Config(
            tracking_uri=source,
            tracking_username=username,
            tracking_password=os.environ.get("MLFLOW_TRACKING_PASSWORD") if username else None,
            tracking_token=None if username else os.environ.get("MLFLOW_TRACKING_TOKEN"),
            production_alias=None if alias == "none" else alias,
        )
    except ValidationError as error:
        raise InvalidInputError(f"--from: {message_of(error.errors()[0])}") from None
    with connect(url, store, create=True) as hw, progress() as watch:
        options = RunOptions(preview=preview, watch=watch)
        report = migrate(hw, config, service=settings.mlflow_service, options=options)
    if output is Format.table:
        print_text(str(report))
    else:
        print_data(report.to_wire(), output)
    if report.failed:
        raise typer.Exit(FAILED)
