"""Which table or container a logged dataset is: by its address, its name, its columns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from headwater import names
from headwater.connectors.mlflow_source import Dataset
from headwater.sdk import Headwater

_PLACES = ("uri", "url", "path")
_TABLES = ("table_name", "delta_table_name", "table")
_NAME = r"""(?:[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\])"""
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_SQL_TABLE = re.compile(rf"\b(?:from|join)\s+({_PATH})", re.IGNORECASE)
_SQL_TABLES = re.compile(rf"\bfrom\s+{_PATH}(?:\s+(?:as\s+)?{_NAME})?\s*,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A table or container of the catalog, with its columns as they are spelled, by lower case."""

    kind: str
    fqn: str
    urls: tuple[str, ...]
    columns: Mapping[str, str]

    @property
    def reference(self) -> dict[str, str]:
        """The place as requests refer to it."""
        return {"type": self.kind, "fullyQualifiedName": self.fqn}


@dataclass(frozen=True, slots=True)
class Match:
    """What a dataset is.

    Attributes:
        place: It; None where that is open.
        reason: Why it is open.
    """

    place: Place | None
    reason: str = ""


class DatasetMatcher:
    """Matches datasets against the catalog, which is read once, when the first one is asked for."""

    def __init__(self, hw: Headwater, settled: Mapping[str, str]) -> None:
        """Make one.

        Args:
            hw: The catalog.
            settled: What people said: FQNs by the name or digest of datasets.
        """
        self._hw = hw
        self._settled = settled
        self._by_fqn: dict[str, Place] = {}
        self._by_name: dict[str, list[Place]] = defaultdict(list)
        self._by_url: dict[str, list[Place]] = defaultdict(list)
        self._folders: list[tuple[str, Place]] = []

    def match(self, dataset: Dataset, wanted: Collection[str]) -> Match:
        """Return which place a dataset is.

        What people settled counts first, then its address, the table that it names, the name of its
        file, its own name. The first of these that fits a place with all the columns decides.

        Args:
            wanted: Columns that the place must have, in any case of letters.
        """
        self._read()
        settled = self._settled.get(dataset.digest) or self._settled.get(dataset.name)
        if settled:
            place = self._by_fqn.get(settled)
            return Match(place, "" if place else f"the catalog has no {settled!r}, as it is said")
        lacking: list[str] = []
        for places in self._guesses(dataset):
            fitting = [each for each in places if not _lacks(each, wanted)]
            if len(fitting) == 1:
                return Match(fitting[0])
            if fitting:
                listed = ", ".join(sorted(f"{each.kind}:{each.fqn}" for each in fitting))
                return Match(None, f"several fit: {listed}; `datasets:` settles which it is")
            lacking += [f"{each.fqn} lacks {', '.join(_lacks(each, wanted))}" for each in places]
        return Match(None, "; ".join(dict.fromkeys(lacking)) or "nothing in the catalog fits")

    # Inside

    def _guesses(self, dataset: Dataset) -> Iterator[list[Place]]:
        source = dataset.source
        addresses = [str(source[each]) for each in _PLACES if source.get(each)]
        for address in addresses:
            yield self._at(address)
        for name in self._tables_of(source):
            yield self._named(name)
        for address in addresses:
            yield self._named(_of_file(address))
        yield self._named([dataset.name])
        yield self._named(_parts(dataset.name))

    def _tables_of(self, source: Mapping[str, Any]) -> Iterator[Sequence[str]]:
        for each in _TABLES:
            if source.get(each):
                yield _parts(str(source[each]))
        sql = str(source.get("sql") or source.get("query") or "")
        found = {tuple(_parts(name)) for name in _SQL_TABLE.findall(sql)}
        # Which column comes from which of several is not guessed.
        if len(found) == 1 and not _SQL_TABLES.search(sql):
            yield next(iter(found))

    def _at(self, address: str) -> list[Place]:
        url = _normal(address)
        if exact := self._by_url.get(url):
            return exact
        above = [(len(at), each) for at, each in self._folders if url.startswith(at + "/")]
        longest = max((size for size, _ in above), default=0)
        return [each for size, each in above if size == longest]

    def _named(self, parts: Sequence[str]) -> list[Place]:
        """The places whose FQN ends in some parts."""
        wanted = [each.lower() for each in parts]
        if not wanted:
            return []
        found = self._by_name.get(wanted[-1], [])
        return [
            each
            for each in found
            if [p.lower() for p in names.split(each.fqn)][-len(wanted) :] == wanted
        ]

    def _read(self) -> None:
        if self._by_fqn:
            return
        for kind in ("table", "container"):
            for entity in self._hw.list(kind):
                place = _place(kind, entity.to_wire())
                self._by_fqn[place.fqn] = place
                self._by_name[names.split(place.fqn)[-1].lower()].append(place)
                for url in place.urls:
                    self._by_url[url].append(place)
                    if kind == "container":
                        self._folders.append((url, place))


def _place(kind: str, raw: Mapping[str, Any]) -> Place:
    urls = [str(raw[each]) for each in ("sourceUrl", "prefix") if raw.get(each)]
    columns = {str(each["name"]).lower(): str(each["name"]) for each in raw.get("columns") or ()}
    return Place(kind, raw["fullyQualifiedName"], tuple(map(_normal, urls)), columns)


def _lacks(place: Place, wanted: Iterable[str]) -> list[str]:
    if place.kind == "container" and not place.columns:  # nobody has told them
        return []
    return [each for each in wanted if each.lower() not in place.columns]


def _normal(address: str) -> str:
    """An address so that two spellings of one place are equal."""
    text = unquote(address.strip()).removeprefix("file://").rstrip("/")
    for scheme in ("s3a://", "s3n://"):
        text = "s3://" + text.removeprefix(scheme) if text.startswith(scheme) else text
    return text


def _of_file(address: str) -> Sequence[str]:
    """The name that a file or folder gives a table: without what follows its first dot."""
    path = unquote(urlsplit(address).path or address).rstrip("/")
    stem = path.rpartition("/")[2].partition(".")[0]
    return [stem] if stem else []


def _parts(name: str) -> Sequence[str]:
    """The names that a table's name is made of, without their quotes."""
    return [each.strip('"`[]') for each in re.findall(_NAME, name)]
