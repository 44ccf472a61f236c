"""The names in SQL that is not understood: what it may read, and what it may fill."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError

_FILLS = frozenset(("COPY", "CREATE", "INTO", "MERGE", "OVERWRITE", "UPDATE"))
"""What is named behind one of these is filled; some of the next may stand between."""
_BETWEEN = frozenset(
    (
        *("OR", "REPLACE", "IGNORE", "ABORT", "FAIL", "ROLLBACK", "IF", "NOT", "EXISTS", "ONLY"),
        *("GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "TRANSIENT", "EXTERNAL", "DYNAMIC"),
        *("MATERIALIZED", "RECURSIVE", "TABLE", "VIEW", "INTO", "OVERWRITE"),
    )
)
_BEFORE_NAME = frozenset(("FROM", "JOIN", "USING", ","))
"""What is named behind one of these is read, whatever the word is."""
_NO_NAMES = frozenset(("SET", "OF", "FUNCTION", "PROCEDURE", "TRIGGER", "INDEX", "SCHEMA"))
_TEXTS = frozenset(
    (
        *(TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING),
        *(TokenType.HEREDOC_STRING, TokenType.BYTE_STRING, TokenType.UNICODE_STRING),
    )
)


class Mention(NamedTuple):
    """A name, with what it is qualified by, as the dialect compares names.

    Attributes:
        fills: Whether it stands where a statement names what it fills.
    """

    names: tuple[str, ...]
    fills: bool


def mentions(text: str, dialect: Dialect) -> Iterator[Mention]:
    """The names of a text, also of what it has in quotation marks: that may be SQL, too."""
    names: list[str] = []
    fills, is_behind_dot = False, False
    before = ";"
    # SQL Server has # before tables of the session.
    tokens = [each for each in _tokens(text, dialect) if each.token_type is not TokenType.HASH]
    for token, following in zip_longest(tokens, tokens[1:]):
        behind, before = before, token.text.upper()
        if token.token_type is TokenType.DOT:
            is_behind_dot = bool(names)
            continue
        if names and not is_behind_dot:
            yield Mention(tuple(names), fills)
            names, fills = [], False
        is_behind_dot = False
        quoted = token.token_type is TokenType.IDENTIFIER
        word = "" if quoted or names else token.text.upper()
        if token.token_type in _TEXTS:
            yield from mentions(token.text, dialect)
        elif word in _FILLS and not (fills or _is_name(behind, following)):
            if behind != ";":  # or it is a table that is so called
                yield Mention((_folded(token, dialect),), fills=False)
            fills = True
        elif word in _NO_NAMES or not (quoted or token.text.isidentifier()):
            fills = False
        elif not (fills and word in _BETWEEN):
            names.append(_folded(token, dialect))
    if names:
        yield Mention(tuple(names), fills)


def _is_name(before: str, following: Token | None) -> bool:
    """Whether a word that may say that something is filled is a name where it stands."""
    return before in _BEFORE_NAME or following is None or following.token_type is TokenType.DOT


def _folded(token: Token, dialect: Dialect) -> str:
    quoted = token.token_type is TokenType.IDENTIFIER
    return dialect.normalize_identifier(exp.to_identifier(token.text, quoted=quoted)).name


def _tokens(text: str, dialect: Dialect) -> Iterator[Token]:
    """The tokens of a text, also behind a quotation or a comment that does not end."""
    tokenizer = dialect.tokenizer_class(dialect=dialect)
    while text:
        try:
            yield from tokenizer.tokenize(text)
            return
        except TokenError:
            tokens = tokenizer.tokens
            yield from tokens
            text = text[tokens[-1].end + 1 if tokens else 0 :].lstrip()[1:]
