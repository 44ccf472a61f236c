"""Cutting a text of SQL into its statements; what they do is not here (``statement.py``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from sqlglot import Token, Tokenizer, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.parser import Parser

_LINE_END = re.compile(r"(?<=;)[ \t]*\n")
_NOT_CLOSED = re.compile(r"Missing (?P<mark>.+) from \d+:(?P<at>\d+)")


class OpenError(Exception):
    """What a statement does is not decided, or not followed; the message says which."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text.

    Attributes:
        line: Where it begins in the text, counted from 1.
        sql: Its own text.
        fault: Why it cannot be cut out of the text, where that is so.
    """

    line: int
    sql: str
    fault: str = ""
    _text: str = ""
    _tokens: tuple[Token, ...] = ()

    def is_understood(self, dialect: Dialect) -> bool:
        """Whether it can be parsed."""
        try:
            self.parse(dialect)
        except OpenError:
            return False
        return True

    def parse(self, dialect: Dialect) -> exp.Expr:
        """Parse the statement; lines of the tree are those of the text.

        Raises:
            OpenError: It fills something, perhaps, and is not understood.
        """
        if self.fault:
            raise OpenError(self.fault)
        try:
            (tree,) = parser(dialect).parse([*self._tokens], self._text)
        except ParseError as error:
            at = error.errors[0] if error.errors else {}
            raise OpenError(str(at.get("description") or "syntax error"), at.get("line")) from None
        except SqlglotError as error:
            raise OpenError(str(error).partition("\n")[0]) from None
        if tree is None:
            raise OpenError("syntax error")
        return tree


def parser(dialect: Dialect) -> Parser:
    """Return sqlglot's parser, which does not warn of what it takes as text: the caller does."""
    return _parser_class(dialect.parser_class)(dialect=dialect)


def split(text: str, dialect: Dialect) -> Iterator[Statement]:
    """Cut a text into its statements.

    Where a quotation does not end, the statement that it is in has a ``fault``; those before it,
    and those behind it that end with their lines, are whole.
    """
    tokenizer = _tokenizer_class(dialect.tokenizer_class)(dialect=dialect)
    try:
        tokens, whole = tokenizer.tokenize(text), True
    except TokenError:
        ends = [at for at, each in enumerate(tokenizer.tokens) if _ends(each)]
        tokens, whole = tokenizer.tokens[: ends[-1] + 1] if ends else [], False
    for statement in _statements(text, tokens):
        # Two quotations that do not end look like one with the statements between them.
        if _LINE_END.search(statement.sql) and not statement.is_understood(dialect):
            yield from _around_fault(statement, tokenizer)
        else:
            yield statement
    if not whole:
        start = tokens[-1].end + 1 if tokens else 0
        yield from _around_fault(_rest(text, start, "a quotation is not closed"), tokenizer)


def _around_fault(whole: Statement, tokenizer: Tokenizer) -> Iterator[Statement]:
    """The statements of what is none as a whole, cut where a line ends with a semicolon.

    What is between the first and the last part that is not whole may be text with semicolons.
    """
    cuts = [0, *(at.end() for at in _LINE_END.finditer(whole.sql)), len(whole.sql)]
    parts = [_part(whole, *each, tokenizer) for each in pairwise(cuts)]
    faulty = [at for at, part in enumerate(parts) if any(each.fault for each in part)]
    if not faulty:
        yield whole
        return
    first, last = faulty[0], faulty[-1]
    for part in parts[:first]:
        yield from part
    (fault,) = parts[first]
    if last > first:
        line = whole.line + whole.sql[: cuts[last + 1]].rstrip().count("\n")
        fault = replace(fault, fault=f"{fault.fault}, and nothing is read up to line {line}")
    yield fault
    for part in parts[last + 1 :]:
        yield from part


def _part(whole: Statement, start: int, end: int, tokenizer: Tokenizer) -> list[Statement]:
    """The statements of a part of a text, or one with what is wrong there."""
    # Empty lines in place of what stands before.
    text = "\n" * (whole.line - 1 + whole.sql.count("\n", 0, start)) + whole.sql[start:end]
    try:
        tokens = tokenizer.tokenize(text)
    except TokenError as error:
        return [_faulty(text, error.__cause__ or error)]
    if text.count("/*") != text.count("*/"):  # the tokenizer takes it for one up to the end
        at = max(text.rfind("/*"), text.rfind("*/"))
        return [_rest(text, at, "a comment is not whole")]
    return [*_statements(text, tokens)]


def _rest(text: str, start: int, fault: str) -> Statement:
    return Statement(text.count("\n", 0, start) + 1, text[start:], fault)


def _faulty(text: str, error: BaseException) -> Statement:
    found = _NOT_CLOSED.search(str(error))
    at = int(found["at"]) if found else len(text) - len(text.lstrip())
    reason = f"the {found['mark']} here is not closed" if found else str(error)
    return _rest(text, at, reason)


def _statements(text: str, tokens: Sequence[Token]) -> Iterator[Statement]:
    start = 0
    for at, token in enumerate((*tokens, None)):
        if token is None or _ends(token):
            if at > start:
                yield _statement(text, tokens[start:at])
            start = at + 1


def _statement(text: str, tokens: Sequence[Token]) -> Statement:
    sql = text[tokens[0].start : tokens[-1].end + 1]
    return Statement(tokens[0].line, sql, "", text, tuple(_inserting(tokens)))


def _inserting(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tokens with INSERT in place of the REPLACE that SQLite and MySQL have for it."""
    for at, token in enumerate(tokens):
        into = [each.token_type for each in tokens[at + 1 : at + 2]] == [TokenType.INTO]
        begins = at == 0 or (into and tokens[at - 1].token_type is not TokenType.OR)
        if token.token_type is TokenType.REPLACE and begins:
            place = (token.line, token.col, token.start, token.end)
            yield Token(TokenType.INSERT, "INSERT", *place)
        else:
            yield token


def _ends(token: Token) -> bool:
    return token.token_type is TokenType.SEMICOLON


@cache
def _tokenizer_class(base: type[Tokenizer]) -> type[Tokenizer]:
    class Cutter(base):  # type: ignore[valid-type, misc]  # the dialect's own
        # What follows one of these is kept as text.
        COMMANDS = base.COMMANDS - {TokenType.REPLACE}

    return Cutter


@cache
def _parser_class(base: type[Parser]) -> type[Parser]:
    class Quiet(base):  # type: ignore[valid-type, misc]  # the dialect's own
        def _warn_unsupported(self) -> None:
            pass

    return Quiet
