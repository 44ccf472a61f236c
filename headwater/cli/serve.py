"""``headwater serve``."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    store: Annotated[
        str,
        typer.Option(
            envvar="HEADWATER_STORE",
            metavar="URL",
            help="sqlite:///path.db, or neo4j://user:password@host:7687.",
        ),
    ] = "sqlite:///headwater.db",
    host: Annotated[
        str, typer.Option(envvar="HEADWATER_HOST", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(envvar="HEADWATER_PORT", min=0, max=65535, help="Port; 0 takes a free one."),
    ] = 8585,
    schemas: Annotated[
        str,
        typer.Option(
            envvar="HEADWATER_SCHEMAS", metavar="FOLDER", help="Your own kinds' schema files."
        ),
    ] = "",
    events_keep_days: Annotated[
        int | None,
        typer.Option(
            envvar="HEADWATER_EVENTS_KEEP_DAYS",
            min=1,
            max=36_500,
            help="Drop older events, daily.",
            show_default="keep them for good",
        ),
    ] = None,
) -> None:
    """Serve the catalog until interrupted.

    Example:
      headwater serve --store sqlite:///headwater.db --port 8585
    """
    from headwater.app import serve as run
    from headwater.settings import Settings

    run(
        Settings.from_env(
            store=store, host=host, port=port, schemas=schemas, events_keep_days=events_keep_days
        )
    )
