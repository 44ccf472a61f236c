"""What sqlglot calls the dialects that SQLAlchemy and drivers of Python speak."""

from __future__ import annotations

from sqlglot.dialects.dialect import Dialect

_GRAMMARS = {
    "awsathena": "athena",
    "clickhousedb": "clickhouse",
    "mariadb": "mysql",
    "mssql": "tsql",
    "postgresql": "postgres",
}


def grammar_of(dialect: str) -> str | None:
    """Return sqlglot's name of a SQLAlchemy dialect; None: it does not know that one."""
    grammar = _GRAMMARS.get(dialect, dialect)
    return grammar if Dialect.get(grammar) else None
