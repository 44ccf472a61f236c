"""Reading data so that the catalog's columns behind it are known: to a run, and by the frame.

Reads are noted by the recorders of the context (``recording``), and by the frames themselves, in
``frame.attrs["headwater"]``, which pandas hands on to what is made of a frame.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from headwater import names
from headwater.document import Document
from headwater.errors import ClientError, HeadwaterError, InvalidInputError
from headwater.sdk import Headwater
from headwater.sdk.address import EntityLike, address_of
from headwater.tracking import frame_reader
from headwater.tracking.catalog_match import Catalog, Source
from headwater.tracking.connection import current
from headwater.tracking.context import find_step, opaque
from headwater.tracking.extra import load as module
from headwater.tracking.hash import file_hash

ATTRIBUTE = "headwater"
_log = logging.getLogger("headwater.tracking")


@dataclass(frozen=True, slots=True)
class Read:
    """One read of data.

    Attributes:
        sources: Kinds (``table``, ``container``) by the FQN of what was read.
        columns: Of each column of the frame, the FQNs of the catalog's columns that it is made
            from; empty where that is not known.
        notes: What is open, and why.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def to_wire(self) -> dict[str, Any]:
        """The read as JSON has it."""
        columns = {name: list(each) for name, each in self.columns.items()}
        return {"sources": dict(self.sources), "columns": columns, "notes": list(self.notes)}

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Read:
        """The read that ``to_wire`` told."""
        return cls(raw.get("sources", {}), raw.get("columns", {}), raw.get("notes", ()))

    def references(self) -> list[dict[str, str]]:
        """What was read, as requests refer to it."""
        return [{"type": kind, "fullyQualifiedName": fqn} for fqn, kind in self.sources.items()]

    def feature_sources(self, column: str) -> list[dict[str, Any]]:
        """What a column of the frame is made from, as feature sources of a request."""
        found = []
        for each in self.columns.get(column, ()):
            *above, name = names.split(each)
            fqn = names.join(*above)
            holder = {"type": self.sources[fqn], "fullyQualifiedName": fqn}
            found.append({"name": name, "dataSource": holder})
        return found


@dataclass(slots=True)
class Recorder:
    """Notes what is read while it records.

    Attributes:
        catalog: Whose names are meant; None: reads are noted without them.
        reads: In order.
        process: Id of the process that records.
    """

    catalog: Headwater | None = None
    reads: list[Read] = field(default_factory=list)
    process: int = field(default_factory=os.getpid)


_recorders: ContextVar[tuple[Recorder, ...]] = ContextVar("headwater_recorders", default=())


@contextmanager
def recording(catalog: Headwater | None = None) -> Iterator[Recorder]:
    """Note what is read within; recorders around this one note it, too.

    Args:
        catalog: Where names are looked up; unless given, that of the recorder around this one.
    """
    around = _recorders.get()
    if catalog is None and around:
        catalog = around[-1].catalog
    recorder = Recorder(catalog)
    token = _recorders.set((*around, recorder))
    try:
        yield recorder
    finally:
        _recorders.reset(token)


def read_sql(
    query: Any,
    con: Any,
    *,
    source: EntityLike | Sequence[EntityLike] | None = None,
    catalog: Headwater | None = None,
    params: Any = None,
    **options: Any,
) -> Any:
    """Return the result of a query as a frame of pandas, and note which columns it was made from.

    Inside a run, or with a catalog, each column of the frame is followed through the SQL to columns
    of the catalog. What the SQL does not decide is left open, with a warning in the log.

    Args:
        query: SQL, or what SQLAlchemy has for it.
        con: A connection of DuckDB, of SQLite, of SQLAlchemy (an engine or a URL as well), or any
            that pandas takes.
        source: Tables that the query reads, by FQN; unless given, they are looked for by the names
            in the SQL, of which no other table's FQN may end so. Of one table that the SQL calls
            otherwise, columns are those of the same name.
        catalog: Where names are looked up; unless given, the run's.
        params: Of the query.
        options: Of ``pandas.read_sql``.

    Raises:
        NotFoundError: The catalog has no such source.
        ConflictError: Several have the name that is given as the source's.
        NotInstalledError: pandas, or sqlglot, is missing.

    Example:
        >>> frame = headwater.read_sql("SELECT age, city FROM shop.customers", connection)
    """
    opaque("reads a database")
    note = _Note(catalog, source, is_query=True)
    frame = frame_reader.query(query, con, params=params, **options)
    return note.query(frame, str(query), frame_reader.dialect_of(con), bound=params is not None)


def read_table(
    table: EntityLike,
    con: Any,
    *,
    columns: Sequence[str] | None = None,
    catalog: Headwater | None = None,
    **options: Any,
) -> Any:
    """Return a table as a frame of pandas, and note that it was read.

    Args:
        table: In the catalog: its FQN, or the end of it that only one has.
        con: A connection, as ``read_sql`` takes it, to the database that has ``schema.table``; or
            the path or URL of a Parquet or CSV file that holds the table.
        columns: Those to read; all unless given.
        catalog: Where the name is looked up; unless given, the run's.
        options: Of the pandas function that reads.

    Raises:
        NotFoundError: The catalog has no such table.
        ConflictError: Several have a name that ends so.
        InvalidInputError: The file is neither.
        NotInstalledError: pandas, or what it needs for the file, is missing.

    Example:
        >>> frame = headwater.read_table("warehouse.main.shop.orders", "orders.parquet")
    """
    note = _Note(catalog, table)
    known = note.sources[0].fqn if note.sources else getattr(table, "fully_qualified_name", None)
    fqn = known or address_of(table).fqn
    if fqn is None:
        raise InvalidInputError(f"{table!r} has a name in a catalog alone, and there is none")
    _tell_cache(frame_reader.file_of(con))
    frame = frame_reader.table(names.split(fqn), con, columns=columns, **options)
    return note.same_names(frame)


def _tell_cache(file: str | None) -> None:
    """Note by which content a file is known to the cache; nothing else that is read has one."""
    step = find_step()
    if step is None or not step.effects.is_watched:
        return
    found = None if file is None else file_hash(file)
    if file is None or found is None:
        step.effects.opaque.append("reads what is no local file")
    else:
        step.effects.look({"file": file}, found)


def read_of(frame: Any) -> Read | None:
    """Return what a frame says of where its columns were read; None: nothing."""
    told = getattr(frame, "attrs", {}).get(ATTRIBUTE)
    return Read.from_wire(told) if isinstance(told, Mapping) else None


class _Note:
    """Finds out what a read reads, and tells the recorders and the frame."""

    def __init__(
        self,
        catalog: Headwater | None,
        source: EntityLike | Sequence[EntityLike] | None,
        *,
        is_query: bool = False,
    ) -> None:
        around = _recorders.get()
        client = catalog or (around[-1].catalog if around else None)
        if client is not None and catalog is None and around[-1].process != os.getpid():
            client = current()  # two processes cannot share a connection
        self._catalog = Catalog(client) if client else None
        self._notes: list[str] = []
        # Before the data is read: what is missing, or is named wrongly, need not wait for it.
        self._tracer = _tracer() if is_query and client else None
        told = _listed(source)
        self._is_told = bool(told)
        self.sources = [each for name in told for each in self._named(name)]

    def query(self, frame: Any, query: str, dialect: str | None, *, bound: bool) -> Any:
        """Note what a query read; return the frame, which tells it."""
        if self._tracer is None:
            return frame
        outputs = [str(each) for each in frame.columns]
        traced = self._tracer.trace(query, outputs, self._find, dialect=dialect, bound=bound)
        if not traced.sources and len(self.sources) == 1:  # the SQL calls it otherwise
            return self.same_names(frame)
        self._notes += traced.notes
        return self._noted(frame, [*self.sources, *traced.sources], traced.columns)

    def same_names(self, frame: Any) -> Any:
        """Note that columns are those of the source that are called so; return the frame."""
        columns = {
            name: [fqn]
            for name in map(str, frame.columns)
            for source in self.sources
            if (fqn := source.column(name))
        }
        return self._noted(frame, self.sources, columns)

    def _noted(
        self, frame: Any, sources: Sequence[Source], columns: Mapping[str, Sequence[str]]
    ) -> Any:
        if self._catalog is None:
            return frame
        found = {name: columns.get(name, ()) for name in map(str, frame.columns)}
        read = Read({each.fqn: each.kind for each in sources}, found, tuple(self._notes))
        for note in read.notes:
            _log.warning("what is read is not tied to the catalog as a whole: %s", note)
        for recorder in _recorders.get():
            recorder.reads.append(read)
        frame.attrs[ATTRIBUTE] = read.to_wire()
        return frame

    def _named(self, source: EntityLike) -> list[Source]:
        if self._catalog is None:
            return []
        try:
            return [self._catalog.named(source)]
        except ClientError as error:  # the data can be read all the same
            self._notes.append(f"{source} is not looked up: {error.message}")
            return []

    def _find(self, parts: Sequence[str]) -> Source | str:
        """The source that a query names, or why that is open."""
        if self._is_told:
            fitting = [each for each in self.sources if each.is_called(parts)]
            if len(fitting) == 1:
                return fitting[0]
            named = ", ".join(each.fqn for each in self.sources)
            return f"{'.'.join(parts)} is not one of the given sources ({named})"
        try:
            return self._catalog.ending(parts) if self._catalog else "there is no catalog"
        except HeadwaterError as error:
            return error.message


def _listed(source: EntityLike | Sequence[EntityLike] | None) -> list[EntityLike]:
    if source is None:
        return []
    return [source] if isinstance(source, (str, Document)) else list(source)


def _tracer() -> Any:
    return module("headwater.tracking.query_trace", to="follow SQL to the catalog's columns")
