"""Frames of pandas from connections and files. Nothing is noted here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from headwater.errors import InvalidInputError, NotInstalledError
from headwater.tracking.extra import load as module

_DRIVERS = {
    "MySQLdb": "mysql",
    "_duckdb": "duckdb",
    "duckdb": "duckdb",
    "psycopg": "postgresql",
    "psycopg2": "postgresql",
    "pymysql": "mysql",
    "sqlite3": "sqlite",
}
"""SQLAlchemy's names of what drivers' connections speak, by the modules of their classes."""
_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz")


def dialect_of(con: Any) -> str | None:
    """Return SQLAlchemy's name of what a connection speaks; None: it does not tell."""
    if isinstance(con, str):
        return con.partition(":")[0].partition("+")[0]
    dialect = getattr(con, "dialect", None)
    driver = _DRIVERS.get(type(con).__module__.partition(".")[0])
    return driver or getattr(dialect, "name", None)


def query(query: Any, con: Any, *, params: Any = None, **options: Any) -> Any:
    """Return the result of a query; see ``headwater.read_sql``."""
    pandas = module("pandas", to="read data")
    if options.get("chunksize") is not None:
        raise InvalidInputError("read_sql returns one frame; chunksize is not for it")
    if dialect_of(con) == "duckdb" and hasattr(con, "execute") and not hasattr(con, "dialect"):
        return con.execute(str(query), params).df(**options)
    try:
        return pandas.read_sql(query, con, params=params, **options)
    except ImportError as error:
        raise NotInstalledError(
            f"{error}: pip install 'headwater[sql]', and the database's own driver", extra="sql"
        ) from error


def file_of(con: Any) -> str | None:
    """The path that ``con`` is; None of a connection, and of a URL."""
    is_path = isinstance(con, os.PathLike) or (isinstance(con, str) and "://" not in con)
    return os.fspath(con) if is_path else None


def table(
    name: Sequence[str], con: Any, *, columns: Sequence[str] | None = None, **options: Any
) -> Any:
    """Return a table; see ``headwater.read_table``.

    Args:
        name: The names that its FQN has; the last two are those in the database.
        con: A connection, or the path or URL of a file.
        columns: Those to read.
        options: Of the pandas function that reads.
    """
    if (path := file_of(con)) is not None:
        return _file(path, columns, options)
    if isinstance(con, str) and con.endswith((*_PARQUET, *_CSV)):
        return _file(con, columns, options)
    return query(_select(name, columns, dialect_of(con)), con, **options)


def _file(path: str, columns: Sequence[str] | None, options: dict[str, Any]) -> Any:
    pandas = module("pandas", to="read data")
    wanted = None if columns is None else list(columns)
    if path.endswith(_PARQUET):
        module("pyarrow", to="read Parquet")
        return pandas.read_parquet(path, columns=wanted, **options)
    if path.endswith(_CSV):
        return pandas.read_csv(path, usecols=wanted, **options)
    raise InvalidInputError(f"{path} is neither a Parquet nor a CSV file, by its name")


def _select(name: Sequence[str], columns: Sequence[str] | None, dialect: str | None) -> str:
    exp = module("sqlglot", to="read tables of databases").exp
    grammar_of = module("headwater.sql.dialect", to="read tables of databases").grammar_of
    table = exp.table_(name[-1], db=name[-2] if len(name) > 1 else None, quoted=True)
    listed = ["*"] if columns is None else [exp.column(each, quoted=True) for each in columns]
    selected = exp.select(*listed).from_(table)
    return str(selected.sql(dialect=(grammar_of(dialect) if dialect else None) or ""))
