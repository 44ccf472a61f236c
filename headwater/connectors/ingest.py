"""Ingesting: each source of a configuration is read by its connector, in a run of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headwater.connectors.config import SourceConfig
from headwater.connectors.report import Report
from headwater.connectors.run import Run, RunOptions
from headwater.errors import InvalidInputError, NotInstalledError, SourceError
from headwater.sdk import Headwater


def ingest(
    hw: Headwater, sources: Iterable[SourceConfig], *, options: RunOptions | None = None
) -> Iterator[Report]:
    """Bring the catalog to what some sources say, one after the other; yield each's report.

    A source that cannot be read holds up no other: its report has the failure.

    Args:
        hw: The catalog.
        sources: What ``check_config`` returns.
        options: How the runs go.

    Raises:
        ClientError: The catalog cannot be reached.
    """
    for source in sources:
        yield ingest_source(hw, source, options=options)


def ingest_source(
    hw: Headwater,
    source: SourceConfig,
    *,
    options: RunOptions | None = None,
    strict: bool = False,
) -> Report:
    """Bring the catalog to what one source says.

    Args:
        hw: The catalog.
        source: What to read.
        options: How the run goes.
        strict: Raise what the report would say of a source that cannot be read.

    Raises:
        SourceError: The source cannot be read, and ``strict``.
        ClientError: The catalog cannot be reached.
    """
    run = Run(hw, type=source.type, service=source.service_name, options=options)
    try:
        return run.execute(source.read)
    except (SourceError, InvalidInputError, NotInstalledError):
        if strict:
            raise
        return run.report  # which has the failure
