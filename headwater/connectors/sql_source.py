"""Reading a database through SQLAlchemy: its schemas, tables and views as plain data.

What the catalog makes of them is not here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import URL, Engine, Inspector, create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SAWarning, SQLAlchemyError
from sqlglot.dialects.dialect import Dialect

from headwater.connectors.config import SECRET
from headwater.connectors.duckdb_inspector import DuckdbInspector
from headwater.connectors.postgres_inspector import PostgresInspector
from headwater.connectors.sqlite_stand_in import StandIns
from headwater.errors import InvalidInputError, NotInstalledError, SourceError
from headwater.sql.generated import expressions

TableType = Literal["Regular", "Partitioned", "Foreign", "View", "MaterializedView"]
_VIEWS = ("View", "MaterializedView")

_Inspector = Inspector | DuckdbInspector | PostgresInspector
_INSPECTORS: dict[str, Callable[[Engine], _Inspector]] = {
    "duckdb": DuckdbInspector,
    "postgresql": PostgresInspector,
}
"""Our own, where SQLAlchemy's falls short."""

_DRIVERS = (
    "headwater[sql] brings SQLAlchemy, headwater[postgres] the driver of postgresql+psycopg:// too;"
    " any other database needs a driver of its own"
)
_FILES = ("sqlite", "duckdb")
_HIDDEN = "***"
_SCHEMAS_ARE_DATABASES = ("mysql", "mariadb")
_SYSTEM_SCHEMAS = frozenset(
    ("information_schema", "performance_schema", "mysql", "sys", "system", "guest")
)


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """A column; ``type`` is the database's own text, empty where it has none.

    Attributes:
        generated: What it is made from, of others of its table; empty where it is, and the database
            does not tell that.
    """

    name: str
    type: str
    nullable: bool
    comment: str | None
    generated: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True, order=True)
class ForeignKey:
    """Columns that point to those of a table; ``schema`` is None where the database says none."""

    columns: tuple[str, ...]
    schema: str | None
    table: str
    referred: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table or view, as its database describes it.

    Attributes:
        fault: Why the database does not tell a view's columns, such as a table that is gone; empty
            where it does.
        whole: Whether its columns are all that it has.
        row_id: The column of which SQLite's ``rowid`` is another name, where there is one.
        parts: Its partitions, or the tables that inherit from it, as schema and name: what they
            have, it has.
        passes: Whether what is written to it, a view, goes to what it reads, as its database says.
    """

    schema: str
    name: str
    type: TableType
    columns: tuple[SqlColumn, ...]
    comment: str | None = None
    definition: str | None = None
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    fault: str = ""
    whole: bool = True
    row_id: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    passes: bool = False

    @property
    def is_view(self) -> bool:
        """Whether it is made by a query over others."""
        return self.type in _VIEWS


@dataclass(frozen=True, slots=True)
class Unread:
    """A table or view that is not wanted, or that its database would not describe.

    Attributes:
        reason: What the database said; empty for what is not wanted.
    """

    schema: str
    name: str
    reason: str = ""


class SqlSource:
    """One database, open for reading.

    Attributes:
        database: Its name; the stem of the file where it is one.
        dialect: SQLAlchemy's name of what it speaks.
        default_schema: Where names without a schema are looked up.
    """

    def __init__(self, engine: Engine) -> None:
        self.dialect = engine.dialect.name
        self._engine = engine
        self._inspector = _INSPECTORS.get(self.dialect, inspect)(engine)
        self.database = _database(engine.url, self._inspector)
        self.default_schema = self._inspector.default_schema_name or ""
        self._stand_ins = StandIns(engine) if self.dialect == "sqlite" else None

    def schemas(self) -> list[str]:
        """Names of the schemas that hold people's own tables."""
        if self.dialect in _SCHEMAS_ARE_DATABASES and self._engine.url.database:
            return [self._engine.url.database]
        names = self._inspector.get_schema_names()
        if isinstance(self._inspector, PostgresInspector):
            return sorted(names)
        return sorted(name for name in names if not _is_system(name))

    def routines(self) -> dict[str, str | None]:
        """What people's own functions do, by name; None where that is not known.

        Only PostgreSQL and DuckDB are asked. What several functions of a name do is one text.
        """
        told: dict[str, str | None] = {}
        if not isinstance(self._inspector, Inspector):
            for name, text in self._inspector.get_routines():
                before = told.get(name, "")
                told[name] = None if text is None or before is None else f"{before}\n{text}"
        return told

    def tables(
        self, schema: str, *, wanted: Callable[[str, str], bool] = lambda *_: True
    ) -> Iterator[SqlTable | Unread]:
        """Read the tables and views of a schema, by name.

        Args:
            wanted: Whether to read a schema's table; of others only the name is told.
        """
        for name, kind in sorted(self._names(schema).items()):
            if not wanted(schema, name):
                yield Unread(schema, name)
                continue
            try:
                yield self._table(schema, name, kind)
            except SQLAlchemyError as error:
                yield self._undescribed(schema, name, kind, error)

    def _undescribed(
        self, schema: str, name: str, kind: TableType, error: SQLAlchemyError
    ) -> SqlTable | Unread:
        """What is left of something that the database does not describe: a view's definition."""
        reason, sql = reason_of(error, self._engine.url), None
        if kind in _VIEWS:
            with suppress(SQLAlchemyError):
                sql = self._inspector.get_view_definition(name, schema)
        if not sql:
            return Unread(schema, name, reason)
        return SqlTable(schema, name, kind, (), definition=sql, fault=reason)

    def _names(self, schema: str) -> dict[str, TableType]:
        found = self._inspector
        if isinstance(found, PostgresInspector):
            return found.get_types(schema)
        names: dict[str, TableType] = dict.fromkeys(found.get_table_names(schema), "Regular")
        names.update(dict.fromkeys(found.get_view_names(schema), "View"))
        if isinstance(found, Inspector):
            with suppress(NotImplementedError):
                stored = found.get_materialized_view_names(schema)
                names.update(dict.fromkeys(stored, "MaterializedView"))
        return names

    def _table(self, schema: str, name: str, kind: TableType) -> SqlTable:
        found = self._inspector
        with warnings.catch_warnings():
            # SQLAlchemy warns of types that it does not know; they are kept as their text.
            warnings.simplefilter("ignore", SAWarning)
            columns = self._columns(name, schema)
        comment = None
        with suppress(NotImplementedError):  # SQLite has no comments
            comment = found.get_table_comment(name, schema)["text"]
        described = tuple(self._column(column) for column in columns)
        if kind in _VIEWS:
            sql = found.get_view_definition(name, schema)
            passes = isinstance(found, PostgresInspector) and found.get_passing(name, schema)
            return SqlTable(schema, name, kind, described, comment, sql, passes=passes)
        key = tuple(found.get_pk_constraint(name, schema)["constrained_columns"])
        unique = found.get_unique_constraints(name, schema)
        return SqlTable(
            schema,
            name,
            kind,
            described,
            comment,
            primary_key=key,
            foreign_keys=tuple(_foreign_keys(found.get_foreign_keys(name, schema))),
            unique=tuple(sorted(tuple(each["column_names"]) for each in unique)),
            row_id=self._row_id(schema, name, key),
            parts=found.get_parts(name, schema) if isinstance(found, PostgresInspector) else (),
        )

    def _row_id(self, schema: str, name: str, key: tuple[str, ...]) -> str:
        """The primary key, where SQLite keeps no index of it, because it is the row's number."""
        if self.dialect != "sqlite" or len(key) != 1:
            return ""
        indexes = "SELECT 1 FROM pragma_index_list(?, ?) WHERE origin = 'pk'"
        with self._engine.connect() as connection:
            indexed = connection.exec_driver_sql(indexes, (name, schema)).first()
        return "" if indexed else key[0]

    def _columns(self, name: str, schema: str) -> Sequence[Any]:
        while True:
            try:
                columns = self._inspector.get_columns(name, schema)
                break
            except DBAPIError as error:
                if self._stand_ins is None or not self._stand_ins.add(error):
                    raise
        if self.dialect != "sqlite" or not any("computed" in each for each in columns):
            return columns
        made = self._generated(name, schema)
        told: list[dict[str, Any]] = [{**each} for each in columns]
        for each in told:
            if "computed" in each:
                each["computed"] = {"sqltext": made.get(each["name"], "")}
        return told

    def _generated(self, name: str, schema: str) -> dict[str, str]:
        """What columns of SQLite are made from: of several in a line SQLAlchemy makes one text."""
        place = self._engine.dialect.identifier_preparer.quote_identifier(schema)
        query = f"SELECT sql FROM {place}.sqlite_master WHERE name = ?"  # noqa: S608 - quoted
        with self._engine.connect() as connection:
            sql = connection.exec_driver_sql(query, (name,)).scalar()
        return expressions(sql or "", Dialect.get_or_raise("sqlite"))

    def _column(self, raw: Any) -> SqlColumn:
        return SqlColumn(
            raw["name"],
            self._type_text(raw["type"]),
            bool(raw["nullable"]),
            raw.get("comment"),
            generated=raw["computed"]["sqltext"] if "computed" in raw else None,
        )

    def _type_text(self, kind: Any) -> str:
        if isinstance(kind, str):
            return kind
        try:
            return str(kind.compile(dialect=self._engine.dialect))
        except SQLAlchemyError:  # it has no text, as the type of an expression in SQLite
            name = str(kind.__visit_name__)
            return "" if name == "null" else name


@contextmanager
def open_source(url: str, *, password: str | None = None) -> Iterator[SqlSource]:
    """Open the database at a SQLAlchemy URL for reading.

    Args:
        url: The database.
        password: In place of the one in the URL.

    Raises:
        InvalidInputError: The URL is none.
        SourceError: The database cannot be reached or read. The message has no password.
        NotInstalledError: The database's driver is missing.
    """
    parsed = _parsed(url)
    if password is not None:
        parsed = parsed.set(password=password)
    engine = _engine(parsed)
    try:
        yield SqlSource(engine)
    except SQLAlchemyError as error:
        # The cause is left out: drivers put connection strings in their messages.
        raise SourceError(f"cannot read {_shown(parsed)}: {reason_of(error, parsed)}") from None
    finally:
        engine.dispose()


def default_service(url: str) -> str:
    """Name a service by its URL: the backend, and the host where there is one.

    Raises:
        InvalidInputError: The URL is none.
    """
    parsed = _parsed(url)
    backend = parsed.get_backend_name()
    return f"{backend}-{parsed.host}" if parsed.host else backend


def reason_of(error: Exception, url: URL) -> str:
    """The first line of what a database said, without the secrets of its URL."""
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    text = said.strip().partition("\n")[0] or type(error).__name__
    for secret in sorted(_secrets(url).values(), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise InvalidInputError(
            "the database's address is not a SQLAlchemy URL such as sqlite:///warehouse.db"
            " or postgresql+psycopg://user:password@host/database"
        ) from None


def _engine(url: URL) -> Engine:
    file = _file(url)
    if file and not file.is_file():  # SQLite would make an empty one
        raise SourceError(f"cannot read {_shown(url)}: there is no such file")
    read_only = {"read_only": True} if file and url.get_backend_name() == "duckdb" else {}
    try:
        return create_engine(url, connect_args=read_only)
    except NoSuchModuleError:
        raise NotInstalledError(
            f"no driver for {url.drivername!r} is installed; {_DRIVERS}"
        ) from None
    except ImportError as error:
        raise NotInstalledError(
            f"the driver of {url.drivername!r} is not installed: {error}; {_DRIVERS}"
        ) from None


def _shown(url: URL) -> str:
    hidden = {name: _HIDDEN for name in _secrets(url) if name}
    shown = url.update_query_dict(hidden).render_as_string(hide_password=True)
    return shown.replace(quote(_HIDDEN), _HIDDEN)


def _secrets(url: URL) -> dict[str, str]:
    """What nobody is shown, by its name in the query; by none, the password before the host."""
    given = {"": str(url.password)} if url.password else {}
    for name, value in url.query.items():
        if SECRET.search(name):
            given[name] = value if isinstance(value, str) else "".join(value)
    return {name: value for name, value in given.items() if value}


def _database(url: URL, inspector: _Inspector) -> str:
    if isinstance(inspector, DuckdbInspector):
        return inspector.database
    backend = url.get_backend_name()
    if backend == "sqlite":
        file = _file(url)
        return file.stem if file else "main"
    # In MySQL a database is a schema, and there is nothing above it.
    return "default" if backend in _SCHEMAS_ARE_DATABASES else url.database or "default"


def _file(url: URL) -> Path | None:
    """The file that the URL names, where it names one."""
    name = url.database or ":memory:"
    in_file = url.get_backend_name() in _FILES and not name.startswith((":memory:", "file:", "md:"))
    return Path(name) if in_file else None


def _is_system(schema: str) -> bool:
    return schema.lower() in _SYSTEM_SCHEMAS or schema.lower().startswith("pg_")


def _foreign_keys(raw: Iterable[Any]) -> list[ForeignKey]:
    keys = [
        ForeignKey(
            tuple(each["constrained_columns"]),
            each["referred_schema"],
            each["referred_table"],
            tuple(each["referred_columns"]),
        )
        for each in raw
    ]
    return sorted(keys, key=lambda key: (key.columns, key.table, key.referred))
