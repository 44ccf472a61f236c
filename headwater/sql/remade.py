"""Tables and views that a file drops, replaces or makes for its session, told by its statements.

What had a name before another got it is not what the database has under that name in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect

from headwater.sql.rename import Past, Place, table_renamings
from headwater.sql.script import Statement

_KINDS = ("TABLE", "VIEW")
_OTHERS = frozenset(
    (
        *("FUNCTION", "PROCEDURE", "PROC", "TRIGGER", "INDEX", "SCHEMA", "DATABASE", "POLICY"),
        *("STATISTICS", "RULE", "STREAM", "TASK", "MACRO", "TYPE", "SEQUENCE", "AS", "("),
    )
)
_MOST_BEFORE = 12
"""How many tokens stand before the word TABLE or VIEW, as MySQL's ``ALGORITHM = …``."""
_FOR_SESSION = frozenset(("TEMP", "TEMPORARY", "#"))
_BEFORE_INTO = frozenset(("LOCAL", "GLOBAL", "TEMP", "TEMPORARY", "UNLOGGED", "TABLE"))
_REPLACING = frozenset(("REPLACE", "ALTER"))


class _Header(NamedTuple):
    """What a statement makes or drops."""

    tables: list[exp.Table]
    words: frozenset[str]
    """Those before the names, with the # that SQL Server has before tables of the session."""


def pasts(
    statements: Sequence[Statement],
    dialect: Dialect,
    place_of: Sequence[Callable[[exp.Table], Place]],
    known: Callable[[Place], bool] = lambda _: True,
) -> list[Past]:
    """Return what is not there in the end, before each statement of a file, and behind the last.

    What is only dropped goes on under its name, if the end has that: another file makes it. So does
    what was there before the file.

    Args:
        place_of: For each statement, where a table is that it names.
        known: Whether the end has something in a place.
    """
    file = _File()
    states = [file.state()]
    for at, (statement, place) in enumerate(zip(statements, place_of, strict=True)):
        for pairs in table_renamings(statement, dialect):
            places = [(old, place(old), place(new)) for old, new in pairs]
            file.rename([each[1:] for each in places if not file.rename_own(*each)])
        if made := _made(statement):
            for table in made.tables:
                file.make(at, place(table), made.words)
        elif dropped := _dropped(statement):
            for table in dropped.tables:
                file.drop(table, place(table))
        states.append(file.state())
    file.end(known)
    return [file.past(*each) for each in states]


class _File:
    """What stands where, as the statements say it that made it."""

    def __init__(self) -> None:
        self._standing: Mapping[Place, int] = {}
        self._dropped: dict[Place, int | None] = {}
        self._session: frozenset[str] = frozenset()
        self._over: set[int] = set()
        """The statements whose tables others replace."""

    def state(self) -> tuple[Mapping[Place, int], frozenset[str]]:
        return self._standing, self._session

    def past(self, standing: Mapping[Place, int], session: frozenset[str]) -> Past:
        if not self._over:
            return Past(names=session)
        over = (place for place, made in standing.items() if made in self._over)
        return Past(frozenset(over), session)

    def make(self, at: int, place: Place, words: frozenset[str]) -> None:
        if _FOR_SESSION & words:
            self._session |= {place[1]}
            return
        before = self._standing.get(place)
        if place not in self._dropped and not _REPLACING & words and before is not None:
            return  # it stays, or one of the two is not run
        if before is not None:
            self._over.add(before)
        self._occupy(place)
        self._standing = {**self._standing, place: at}

    def drop(self, table: exp.Table, place: Place) -> None:
        if not table.db and place[1] in self._session:
            self._session -= {place[1]}
            return
        self._dropped[place] = self._standing.get(place)
        self._standing = {key: made for key, made in self._standing.items() if key != place}

    def end(self, known: Callable[[Place], bool]) -> None:
        """Take what is dropped for replaced by nothing, where the end has nothing of its name."""
        gone = (made for place, made in self._dropped.items() if not known(place))
        self._over.update(made for made in gone if made is not None)

    def rename_own(self, table: exp.Table, old: Place, new: Place) -> bool:
        """Rename a table of the session; False: it is none."""
        is_own = not table.db and old[1] in self._session
        if is_own:
            self._session = self._session - {old[1]} | {new[1]}
        return is_own

    def rename(self, pairs: Sequence[tuple[Place, Place]]) -> None:
        moved = {new: self._standing.get(old) for old, new in pairs}
        olds = {old for old, _ in pairs}
        kept = {key: made for key, made in self._standing.items() if key not in olds}
        for place, made in moved.items():
            if place in kept:
                self._over.add(kept.pop(place))
            self._occupy(place)
            if made is not None:
                kept[place] = made
        self._standing = kept

    def _occupy(self, place: Place) -> None:
        before = self._dropped.pop(place, None)
        if before is not None:
            self._over.add(before)


def _made(statement: Statement) -> _Header | None:
    tokens = statement.tokens
    words = [each.text.upper() for each in tokens]
    if words[:1] in (["CREATE"], ["REPLACE"]) or words[:2] == ["ALTER", "VIEW"]:
        header = _header(tokens, words)
        # ALTER VIEW v RENAME … makes none.
        return header if words[0] != "ALTER" or "AS" in words[3:6] else None
    if words[:1] in (["SELECT"], ["WITH"]) and "INTO" in words and "INSERT" not in words:
        start = begin = words.index("INTO") + 1
        while words[start : start + 1] and words[start] in _BEFORE_INTO:
            start += 1
        about = _sign(words, start).union(words[begin:start])
        return _Header([*_names(tokens[start:])][:1], about)
    return None


def _dropped(statement: Statement) -> _Header | None:
    words = [each.text.upper() for each in statement.tokens[:_MOST_BEFORE]]
    return _header(statement.tokens, words) if words[:1] == ["DROP"] else None


def _header(tokens: Sequence[Token], words: Sequence[str]) -> _Header | None:
    at = next((at for at, word in enumerate(words[:_MOST_BEFORE]) if word in _KINDS), None)
    if at is None or _OTHERS.intersection(words[:at]):
        return None
    start = at + 1
    while words[start : start + 1] and words[start] in ("IF", "NOT", "EXISTS"):
        start += 1
    tables = [*_names(tokens[start:])]
    about = _sign(words, start).union(words[:at])
    return _Header(tables if words[0] == "DROP" else tables[:1], about)


def _sign(words: Sequence[str], start: int) -> frozenset[str]:
    return frozenset(each for each in words[start : start + 1] if each == "#")


def _names(tokens: Sequence[Token]) -> Iterator[exp.Table]:
    """The names at the beginning, with commas between them."""
    parts: list[exp.Identifier] = []
    goes_on = True
    for token in tokens:
        if token.token_type is TokenType.COMMA and parts:
            yield _table(parts)
            parts, goes_on = [], True
        elif token.token_type in (TokenType.DOT, TokenType.HASH):
            goes_on = True
        elif goes_on:
            quoted = token.token_type in (TokenType.IDENTIFIER, TokenType.STRING)
            parts.append(exp.to_identifier(token.text, quoted=quoted))
            goes_on = False
        else:
            break
    if parts:
        yield _table(parts)


def _table(parts: Sequence[exp.Identifier]) -> exp.Table:
    return exp.Table(**dict(zip(("this", "db", "catalog"), reversed(parts), strict=False)))
