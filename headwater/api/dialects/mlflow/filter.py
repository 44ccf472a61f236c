"""MLflow's filter strings: comparisons joined by AND, as its registry takes them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from headwater.api.dialects.mlflow.error import MlflowError, invalid

PROMPT = "mlflow.prompt.is_prompt"
"""The tag that makes a model a prompt; searches show prompts only when they ask for them."""

_WORD = r"[^\s'\"`()<>=!,]+"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<key>(?:\w+\.)?(?:`[^`]*`|"[^"]*"|'[^']*'|{_WORD}))\s*
      (?P<comparator>=|!=|<>|<=|>=|<|>|\bNOT\s+IN\b|\bIN\b|\bI?LIKE\b)\s*
      (?P<value>'[^']*'|"[^"]*"|[+-]?\d+(?:\.\d+)?|\((?:[^()'"]|'[^']*'|"[^"]*")*\))
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_AND = re.compile(r"AND\b", re.IGNORECASE)
_ADDED = re.compile(rf"\s*(?:\bAND\s+)?tag\.`{re.escape(PROMPT)}` !?= 'true'$")
"""What MLflow's clients put behind the filter that people gave them."""
_ITEM = re.compile(r"""\s*('[^']*'|"[^"]*")\s*(?:,|$)""")
_ENTITIES = frozenset({"attribute", "tag", "tags"})
_OF_TEXT = frozenset({"=", "!=", "LIKE", "ILIKE"})
_OF_NUMBERS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_OF_LISTS = frozenset({"IN", "NOT IN"})


@lru_cache(maxsize=256)
def _like(pattern: str, flags: int) -> re.Pattern[str]:
    """SQL's LIKE: ``%`` stands for any text, ``_`` for one character."""
    parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), flags | re.DOTALL)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "LIKE": lambda value, pattern: bool(_like(pattern, 0).fullmatch(value)),
    "ILIKE": lambda value, pattern: bool(_like(pattern, re.IGNORECASE).fullmatch(value)),
    "IN": lambda value, several: value in several,
    "NOT IN": lambda value, several: value not in several,
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison.

    Attributes:
        key: Of the attribute, or of the tag.
        value: A text, a number, or several texts.
    """

    is_tag: bool
    key: str
    comparator: str
    value: Any

    def fits(self, value: Any) -> bool:
        """Whether what the thing has fits; what it does not have never does."""
        return value is not None and _COMPARE[self.comparator](value, self.value)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What can be asked of a kind of thing: names of texts, numbers, and texts in lists."""

    texts: frozenset[str]
    numbers: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search asks for.

    Attributes:
        prompts: Whether prompts are shown, too; without them the clauses say nothing of them.
    """

    clauses: tuple[Clause, ...]
    prompts: bool

    def names(self) -> list[str] | None:
        """The names that are asked for, where they are told; None: any."""
        for clause in self.clauses:
            if not clause.is_tag and clause.key == "name" and clause.comparator in ("=", "IN"):
                return [clause.value] if clause.comparator == "=" else list(clause.value)
        return None

    def fits(self, attributes: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
        """Whether a thing is shown."""
        if not self.prompts and tags.get(PROMPT) == "true":
            return False
        return all(
            each.fits((tags if each.is_tag else attributes).get(each.key)) for each in self.clauses
        )


def parse_filter(text: str | None, attributes: Attributes) -> Filter:
    """Return what a filter string means.

    Raises:
        MlflowError: It is none, or asks for what there is not.
    """
    clauses, at, text = list[Clause](), 0, (text or "").strip()
    while at < len(text):
        if clauses:
            joined = _AND.match(text, at)
            if joined is None:
                raise _unreadable(text, at)
            at = joined.end()
        found = _TOKEN.match(text, at)
        if found is None:
            raise _unreadable(text, at)
        at = found.end()
        clauses.append(_clause(found, attributes))
    prompts = _asks_for_prompts(clauses)
    if not prompts:
        clauses = [each for each in clauses if not each.is_tag or each.key != PROMPT]
    return Filter(tuple(clauses), prompts)


def _asks_for_prompts(clauses: list[Clause]) -> bool:
    for each in clauses:
        if each.is_tag and each.key == PROMPT:
            wanted = {"=": "true", "!=": "false"}.get(each.comparator)
            return bool(each.value.lower() == wanted)
    return False


def _clause(found: re.Match[str], attributes: Attributes) -> Clause:
    entity, dot, key = found["key"].partition(".")
    if not dot:
        entity, key = "attribute", entity
    elif entity not in _ENTITIES:
        raise invalid(f"Invalid entity type {entity!r}; valid are attribute, tag and tags.")
    if key[0] in "`\"'":
        key = key[1:-1]
    comparator = " ".join(found["comparator"].upper().split()).replace("<>", "!=")
    is_tag = entity != "attribute"
    if not is_tag and key not in attributes.texts | attributes.numbers:
        valid = ", ".join(sorted(attributes.texts | attributes.numbers))
        raise invalid(f"Invalid attribute key {key!r} specified; valid keys are {valid}.")
    allowed = _allowed(is_tag, key, attributes)
    if comparator not in allowed:
        what = "tag" if is_tag else f"attribute {key!r}"
        raise invalid(f"Invalid comparator for {what}: {comparator}.")
    if comparator in _OF_LISTS:
        return Clause(is_tag, key, comparator, _list(found["value"]))
    if allowed is _OF_NUMBERS:
        return Clause(is_tag, key, comparator, _number(found["value"].strip("'\""), key))
    return Clause(is_tag, key, comparator, _text(found["value"], key))


def _allowed(is_tag: bool, key: str, attributes: Attributes) -> frozenset[str]:
    """The comparators of a tag or an attribute."""
    if not is_tag and key in attributes.numbers:
        return _OF_NUMBERS
    return _OF_TEXT | _OF_LISTS if not is_tag and key in attributes.listed else _OF_TEXT


def _text(text: str, key: str) -> str:
    if text[0] not in "'\"":
        raise invalid(f"Expected a quoted text for {key!r}, such as 'value', not {text[:80]}.")
    return text[1:-1]


def _number(text: str, key: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise invalid(f"Invalid value for numeric attribute {key!r}: {text[:40]}.")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    inner, found, at = text[1:-1].rstrip() if text[0] == "(" else "", list[str](), 0
    while item := _ITEM.match(inner, at):
        found.append(item[1][1:-1])
        at = item.end()
    if not found or at < len(inner):
        raise invalid(f"Expected a list of quoted texts, such as ('a', 'b'), not {text[:80]}.")
    return tuple(found)


def _unreadable(text: str, at: int) -> MlflowError:
    rest = _ADDED.sub("", text[at:]) or _ADDED.sub("", text)
    return invalid(f"Invalid clause(s) in filter string: {rest[:120]}")
