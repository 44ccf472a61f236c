"""Versions of a model side by side, as rows of values. Pure functions over documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pydantic_core

from headwater.catalog.same import same
from headwater.store.draft import Document

_PLAIN = ("algorithm", "target", "status", "trainedAt", "server", "sourceUri", "mlStore")
_SHOWN = ("id", "number", "name", "stage", "aliases")
_Values = Mapping[str, Any]


def compare(versions: Sequence[Document], logged: Sequence[Mapping[str, _Values]]) -> Document:
    """Return what versions have, row by row.

    Args:
        logged: Of each version, the newest records by type and key, as JSON text.
    """
    sections: dict[str, Callable[[int], _Values]] = {
        "version": lambda i: {n: versions[i][n] for n in _PLAIN if n in versions[i]},
        "metadata": lambda i: _logged(logged[i].get("metadata", {})),
        "metric": lambda i: _logged(logged[i].get("metric", {})),
        "parameter": lambda i: {
            each["name"]: each.get("value") for each in versions[i].get("mlHyperParameters", ())
        },
        "feature": lambda i: dict(_features(versions[i])),
        "source": lambda i: dict(_sources(versions[i])),
    }
    rows = [
        row
        for section, values in sections.items()
        for row in _rows(section, [values(i) for i in range(len(versions))])
    ]
    shown = [{name: each[name] for name in _SHOWN if name in each} for each in versions]
    return {"versions": shown, "rows": rows}


def _rows(section: str, columns: list[_Values]) -> Iterator[Document]:
    names = dict.fromkeys(name for column in columns for name in column)
    for name in names if section == "version" else sorted(names):
        values = [column.get(name) for column in columns]
        equal = all(same(values[0], each) for each in values[1:])
        yield {"section": section, "name": name, "values": values, "equal": equal}


def _logged(records: _Values) -> _Values:
    return {key: pydantic_core.from_json(data).get("value") for key, data in records.items()}


def _features(version: Document) -> Iterator[tuple[str, Document]]:
    for feature in version.get("mlFeatures", ()):
        about = {n: feature[n] for n in ("dataType", "featureAlgorithm") if n in feature}
        sources = sorted(_spelled(each) for each in feature.get("featureSources", ()))
        yield feature["name"], about | ({"sources": sources} if sources else {})


def _sources(version: Document) -> Iterator[tuple[str, Document]]:
    """What the version was trained on, as it was then."""
    for each in version.get("frozenSources", ()):
        yield _spelled(each), {n: each[n] for n in ("dataType", "tableVersion") if n in each}


def _spelled(source: Document) -> str:
    holder = source.get("dataSource")
    return f"{holder['fullyQualifiedName']}.{source['name']}" if holder else str(source["name"])
