"""Columns that a table generates from others of its own: where that stands, and from which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError

from headwater.sql.relation import ColumnLineage, Relation, ViewLineage
from headwater.sql.view_lineage import ViewReader


def expressions(sql: str, dialect: Dialect) -> dict[str, str]:
    """What a ``CREATE TABLE`` says that columns are made from (``AS (…)``), by their names.

    Cut out by its tokens alone: a type or a key that is not understood costs no column.
    """
    try:
        tokens = dialect.tokenize(sql)
    except TokenError:
        return {}
    found: dict[str, str] = {}
    for part in _parts(tokens):
        depth, start = 0, None
        for at, token in enumerate(part):
            depth -= token.token_type is TokenType.R_PAREN
            if start is not None and depth == 0:
                found[part[0].text] = sql[start : token.start].strip()
                break
            if _opens(part, at) and start is None and depth == 0:
                start = token.end + 1
            depth += token.token_type is TokenType.L_PAREN
    return found


def read_generated(
    table: Relation, made: Mapping[str, str], reader: ViewReader, dialect: Dialect
) -> ViewLineage:
    """Return what columns are made from, given their expressions.

    One that is not understood, as where the text is empty, is perhaps made from any of the table's.
    """
    of = exp.table_(table.name, db=table.schema or None, quoted=True).sql(dialect)
    whole = ViewLineage()
    for column, sql in made.items():
        name = exp.to_identifier(column, quoted=True).sql(dialect)
        query = f"SELECT {sql or '('}\nAS {name} FROM {of}"  # noqa: S608 - it is read, and not run
        found = reader.read(Relation(table.schema, "", (column,)), query)
        columns = found.columns or (ColumnLineage(column, (), None, perhaps=found.relations),)
        whole = ViewLineage(
            tuple(dict.fromkeys((*whole.relations, *found.relations))),
            (*whole.columns, *columns),
            (*whole.notes, *(replace(n, message=f"{column}: {n.message}") for n in found.notes)),
        )
    return whole


def _parts(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The columns and keys of a table, each with what is said of it."""
    depth, part = 0, list[Token]()
    for token in tokens:
        depth -= token.token_type is TokenType.R_PAREN
        if depth and not (depth == 1 and token.token_type is TokenType.COMMA):
            part.append(token)
        elif part:
            yield part
            part = []
        depth += token.token_type is TokenType.L_PAREN


def _opens(part: Sequence[Token], at: int) -> bool:
    """Whether a parenthesis is that of ``AS (``."""
    is_behind = at > 0 and part[at - 1].token_type is TokenType.ALIAS
    return is_behind and part[at].token_type is TokenType.L_PAREN
