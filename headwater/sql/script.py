"""Cutting a text of SQL into its statements; what they do is not here (``statement.py``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from heapq import merge
from itertools import pairwise

from sqlglot import Token, Tokenizer, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser

from headwater.sql.psql import commands, without_commands

_LINE_END = re.compile(r"(?<=;)[ \t]*\n")
_WITH_BODY = frozenset(("TRIGGER", "PROCEDURE", "PROC", "FUNCTION", "PACKAGE"))
_INNER_ENDS = [[word] for word in ("IF", "LOOP", "CASE", "WHILE", "REPEAT", "FOR")]
_BATCH_END = re.compile(r"^([ \t]*)GO(?=[ \t]*$)", re.IGNORECASE | re.MULTILINE)
"""What SQL Server's tools have between statements, on a line of its own."""
TOO_DEEP = "it is nested too deeply"
_BEFORE_END = (";", "BEGIN")
_DROPS_AT_COMMIT = ["ON", "COMMIT", "DROP"]
_NOT_CLOSED = re.compile(r"Missing (?P<mark>.+) from \d+:(?P<at>\d+)")
_WHOLE_COMMENTS = re.compile(r"(?:\s|--.*|#.*|/\*(?:(?!/\*)[\s\S])*?\*/)*")


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

    @property
    def tokens(self) -> Sequence[Token]:
        """What it is made of; nothing where it cannot be cut out of the text."""
        return self._tokens

    def parse(self, dialect: Dialect) -> exp.Expr:
        """Parse the statement; lines of the tree are those of the text.

        Raises:
            OpenError: It fills something, perhaps, and is not understood.
        """
        if self.fault:
            raise OpenError(self.fault)
        if line := _template(self._tokens):
            raise OpenError("it holds a template, and not what becomes of it", line)
        try:
            trees = parser(dialect).parse([*self._tokens], self._text)
        except ParseError as error:
            at = error.errors[0] if error.errors else {}
            raise OpenError(str(at.get("description") or "syntax error"), at.get("line")) from None
        # sqlglot answers unusual SQL with more than its own errors (RecursionError, KeyError), and
        # one statement must not end a run.
        except Exception as error:  # noqa: BLE001 - see above
            raise OpenError(first_line(error)) from None
        if len(trees) != 1 or trees[0] is None:
            raise OpenError("syntax error")
        return trees[0]


def first_line(error: Exception) -> str:
    """Return what an error says, on one line."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return str(error).partition("\n")[0] or type(error).__name__


def parser(dialect: Dialect) -> Parser:
    """Return sqlglot's parser, which does not warn of what it takes as text: the caller does."""
    return _parser_class(dialect.parser_class)(dialect=dialect)


def split(text: str, dialect: Dialect) -> Iterator[Statement]:
    """Cut a text into its statements.

    Where a quotation or a comment does not end, the statement that it is in has a ``fault``; those
    before it, and those behind it that end with their lines, are whole. So has a command of
    PostgreSQL's shell that runs other SQL.
    """
    if type(dialect) is not Postgres:  # Redshift has backslashes in its texts
        yield from _cut(text, dialect)
        return
    told = [
        Statement(line, name, f"what {name} runs is not followed" if runs else "")
        for line, name, runs in commands(text)
    ]
    yield from merge(_cut(without_commands(text), dialect), told, key=lambda each: each.line)


def _cut(text: str, dialect: Dialect) -> Iterator[Statement]:
    tokenizer = _tokenizer_class(dialect.tokenizer_class)(dialect=dialect)
    if isinstance(dialect, TSQL):
        text = _BATCH_END.sub(r"\1; ", text)
    try:
        tokens, whole = tokenizer.tokenize(text), True
    except TokenError:
        ends = [at for at, each in enumerate(tokenizer.tokens) if _ends(each)]
        tokens, whole = tokenizer.tokens[: ends[-1] + 1] if ends else [], False
    for statement in _statements(text, tokens):
        # Two quotations that do not end look like one with the statements between them.
        if _LINE_END.search(statement.sql) and _is_misunderstood(statement, dialect):
            yield from _around_fault(statement, tokenizer)
        else:
            yield statement
    if not whole:
        start = tokens[-1].end + 1 if tokens else 0
        yield from _around_fault(_rest(text, start, "a quotation is not closed"), tokenizer)


def _is_misunderstood(statement: Statement, dialect: Dialect) -> bool:
    if statement.fault:
        return False
    try:
        statement.parse(dialect)
    except OpenError:
        return True
    return False


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
        unread = whole.sql[cuts[first] : cuts[last + 1]].strip()
        told = f"{fault.fault}, and nothing is read up to line {line}"
        fault = replace(fault, fault=told, sql=unread)
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
        end = tokenizer.tokens[-1].end + 1 if tokenizer.tokens else 0
        return [replace(_faulty(text, end, error.__cause__ or error), sql=text.strip())]
    if text.count("/*") != text.count("*/"):  # the tokenizer takes it for one up to the end
        at = max(text.rfind("/*"), text.rfind("*/"))
        return [replace(_rest(text, at, "a comment is not whole"), sql=text.strip())]
    return [*_statements(text, tokens)]


def _rest(text: str, start: int, fault: str) -> Statement:
    return Statement(text.count("\n", 0, start) + 1, text[start:], fault)


def _faulty(text: str, end: int, error: BaseException) -> Statement:
    """What cannot be cut; ``end`` is that of the last of it that can be."""
    if found := _NOT_CLOSED.search(str(error)):
        return _rest(text, int(found["at"]), f"the {found['mark']} here is not closed")
    comment = _WHOLE_COMMENTS.match(text, end)
    at = comment.end() if comment else end
    # Of a comment without an end sqlglot says that there is no more text.
    is_open = text.startswith("/*", at)
    return _rest(text, at, "the /* here is not closed" if is_open else str(error))


def _statements(text: str, tokens: Sequence[Token]) -> Iterator[Statement]:
    start = 0
    for at, token in enumerate((*tokens, None)):
        if token is not None and not _ends(token):
            continue
        part = tokens[start:at]
        if token is not None and _is_within_body(part):
            continue
        if part:
            yield _statement(text, part)
        start = at + 1


def _statement(text: str, tokens: Sequence[Token]) -> Statement:
    sql = text[tokens[0].start : tokens[-1].end + 1]
    fault = "what its body does is not followed" if any(map(_ends, tokens)) else ""
    return Statement(tokens[0].line, sql, fault, text, tuple(_spelled(tokens)))


def _is_within_body(tokens: Sequence[Token]) -> bool:
    """Whether the semicolon after these is one in the body of a trigger or a procedure."""
    words = [each.text.upper() for each in tokens]
    if words[:1] == ["DELIMITER"] and "CREATE" in words:  # a command of MySQL's own shell
        words = words[words.index("CREATE") :]
    if words[:1] != ["CREATE"] or not _WITH_BODY.intersection(words[1:6]):
        return False
    ends = [at for at, word in enumerate(words) if word == "END" and words[at - 1] in _BEFORE_END]
    return words.count("BEGIN") > sum(words[at + 1 : at + 2] not in _INNER_ENDS for at in ends)


def _template(tokens: Sequence[Token]) -> int | None:
    """The line of the first word of a template (Jinja), as in ``{{ name }}``."""
    for at, token in enumerate(tokens):
        braces = [each for each in tokens[at : at + 2] if each.token_type is TokenType.L_BRACE]
        touching = len(braces) == 2 and braces[0].end + 1 == braces[1].start
        if touching or token.token_type is TokenType.BLOCK_START:
            return token.line
    return None


def _spelled(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tokens with words that sqlglot knows in place of others of their meaning.

    INSERT for the REPLACE of SQLite and MySQL, ON COMMIT DELETE ROWS for PostgreSQL's DROP.
    """
    for at, token in enumerate(tokens):
        if [each.text.upper() for each in tokens[max(at - 2, 0) : at + 1]] == _DROPS_AT_COMMIT:
            for word in ("DELETE", "ROWS"):
                yield Token(TokenType.VAR, word, token.line, token.col, token.start, token.end)
            continue
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
