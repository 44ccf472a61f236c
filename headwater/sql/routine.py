"""What functions of people's own may read, beside their arguments: by the words of their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from headwater.sql.binding import cast_name, fold
from headwater.sql.mention import mentions
from headwater.sql.relation import Relation

_READS = re.compile(r"\b(?:FROM|TABLE|EXECUTE)\b", re.IGNORECASE)


def read_by(
    routines: Mapping[str, str | None], relations: Iterable[Relation], dialect: Dialect
) -> dict[str, set[Relation]]:
    """Return the functions that may read tables, each with those of the tables that it names.

    Args:
        routines: Their text, by name; None where it does not tell what they do. Also of operators,
            and of casts as ``::type``.
        relations: The tables and views, of any schema: which of them a name means is up to the
            search path of who calls.
    """
    known: dict[str, list[Relation]] = {}
    for relation in relations:
        known.setdefault(fold(relation.name, dialect), []).append(relation)
    routines = {_called(name, dialect): text for name, text in routines.items()}
    words = {
        name: {word for each in mentions(text or "", dialect) for word in each.names}
        for name, text in routines.items()
    }
    reading = {name for name, text in routines.items() if not text or _READS.search(text)}
    for name in words:  # with what the functions read that it calls
        ways = [name]
        for called in ways:
            ways += [each for each in words[called] & words.keys() if each not in ways]
        words[name] = words[name].union(*(words[called] for called in ways))
        if reading.intersection(ways):
            reading.add(name)
    return {
        name: {relation for word in words[name] for relation in known.get(word, ())}
        for name in reading
    }


def _called(name: str, dialect: Dialect) -> str:
    if not name.startswith("::"):
        return name.lower()
    return cast_name(exp.DataType.build(name[2:], dialect=dialect, udt=True), dialect)
