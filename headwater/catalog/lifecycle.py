"""A model's versions as its document sums them up, and what a promotion sets of the model itself.

Pure functions over documents. The writes are in ``model_version.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from headwater.catalog.keyed import keyed
from headwater.catalog.origin import FOR_PEOPLE, Origins, owner_of
from headwater.catalog.same import same
from headwater.schemas.kind import Field, Shape
from headwater.store.draft import Document

STAGES = ("none", "staging", "production", "archived")
LISTED = ("staging", "production")
"""Stages that the summary lists the versions of; the others may hold any number."""
LATEST = "latest"
PROJECTED = ("algorithm", "mlFeatures", "mlHyperParameters", "mlStore", "server")
"""Fields of a model that are its serving version's."""


class Summary:
    """The ``lifecycle`` of a model: which version is where. Changes are made to a copy.

    Args:
        model: The model's document.
    """

    def __init__(self, model: Document) -> None:
        held = model.get("lifecycle", {})
        self.last_number: int = held.get("lastNumber", 0)
        self.latest: Document | None = held.get("latest")
        self._stages: dict[str, list[Document]] = {
            each["stage"]: list(each["versions"]) for each in held.get("stages", ())
        }
        self.aliases: dict[str, Document] = {
            each["alias"]: each["version"] for each in held.get("aliases", ())
        }

    @property
    def serving(self) -> Document | None:
        """The latest promotion that is still in production."""
        held = self.held("production")
        return held[-1] if held else None

    def held(self, stage: str) -> list[Document]:
        """The versions in a listed stage, in the order in which they came there."""
        return list(self._stages.get(stage, ()))

    def stage_of(self, version_id: str) -> str:
        """The listed stage that a version is in, or ``none``."""
        return next(
            (s for s, held in self._stages.items() if any(v["id"] == version_id for v in held)),
            STAGES[0],
        )

    def aliases_of(self, version_id: str) -> list[str]:
        """The aliases of a version."""
        return sorted(a for a, each in self.aliases.items() if each["id"] == version_id)

    def add(self, version: Document) -> None:
        """Take a new version in."""
        self.last_number = max(self.last_number, version["number"])
        if self.latest is None or self.latest["number"] < version["number"]:
            self.latest = version

    def place(self, version: Document, stage: str) -> None:
        """Move a version to a stage, as the newest there."""
        for held in self._stages.values():
            held[:] = [each for each in held if each["id"] != version["id"]]
        if stage in LISTED:
            self._stages.setdefault(stage, []).append(version)

    def drop(self, version_id: str, *, latest: Document | None) -> None:
        """Forget a version; ``latest`` is the newest that is left."""
        for held in self._stages.values():
            held[:] = [each for each in held if each["id"] != version_id]
        self.aliases = {a: each for a, each in self.aliases.items() if each["id"] != version_id}
        if self.latest and self.latest["id"] == version_id:
            self.latest = latest

    def as_json(self) -> Document:
        """The value of the model's ``lifecycle``."""
        stages = [
            {"stage": stage, "versions": self._stages[stage]}
            for stage in LISTED
            if self._stages.get(stage)
        ]
        aliases = [{"alias": a, "version": each} for a, each in sorted(self.aliases.items())]
        out: Document = {"lastNumber": self.last_number}
        for name, value in (("latest", self.latest), ("serving", self.serving)):
            out |= {name: value} if value else {}
        return (
            out | ({"stages": stages} if stages else {}) | ({"aliases": aliases} if aliases else {})
        )


def pointer(version: Document) -> Document:
    """A version as summaries name it."""
    return {name: version[name] for name in ("id", "number", "name")}


def projected(model: Document) -> tuple[str, ...]:
    """The fields that a promotion alone writes; none while nothing is in production."""
    return PROJECTED if model.get("lifecycle", {}).get("serving") else ()


def project(shape: Shape, model: Document, version: Document, origins: Origins) -> Document:
    """The model with the serving version's values. A field that the version lacks stays.

    The version owns which features, sources and parameters there are; people's descriptions and
    tags stay while the element does, and so do the sources that they added.

    Args:
        shape: Of the model.
        origins: Of the model.
    """
    given = {name: version[name] for name in PROJECTED if version.get(name) is not None}
    out = dict(model)
    for name, value in given.items():
        out[name] = _set(shape.fields[name], model.get(name), value, name, origins)
    return out


def _set(field: Field, old: Any, new: Any, path: str, origins: Origins) -> Any:
    if field.shape is None or not field.keyed_by:
        return new
    known, asked = keyed(field, old or [], new)
    out = {
        name: _element(field.shape, known.get(name, {}), item, f"{path}.{name}", origins)
        for name, item in asked.items()
    }
    nested = "." in path  # below the projected list itself, what people added stays
    for name, item in known.items():
        if nested and name not in out and _is_peoples(origins, f"{path}.{name}"):
            out[name] = item
    return list(out.values())


def _element(shape: Shape, old: Document, new: Document, path: str, origins: Origins) -> Document:
    out: Document = {}
    for name, field in shape.fields.items():
        where = f"{path}.{name}"
        held, given = old.get(name), None if field.read_only else new.get(name)
        if field.read_only:
            value = held
        elif name in FOR_PEOPLE:
            theirs = held is not None and _is_peoples(origins, where)
            value = held if theirs or given is None else given
        elif field.keyed_by and (held or given):
            value = _set(field, held, given or [], where, origins)
        else:
            value = given
        if value is not None:
            out[name] = value
    return out


def _is_peoples(origins: Origins, path: str) -> bool:
    owner = owner_of(origins, path)
    return owner is not None and owner["kind"] == "person"


def changed_projection(
    shape: Shape, before: Document, after: Document, origins: Origins, *, by_person: bool
) -> list[str]:
    """The projected fields that a direct write would change.

    Descriptions, tags and, for a person, sources that people added do not count.
    """
    out = []
    for name in projected(before):
        field, old, new = shape.fields[name], before.get(name), after.get(name)
        if field.shape and field.keyed_by:
            view = _view(field, old or [], name, origins, by_person=by_person)
            old, new = view(old or []), view(new or [])
        if not same(old, new):
            out.append(name)
    return out


def _view(
    field: Field, before: list[Document], path: str, origins: Origins, *, by_person: bool
) -> Callable[[list[Document]], Document]:
    """What of a projected list is the version's, as a function of the list."""
    shape = field.shape
    assert shape is not None and field.keyed_by  # noqa: PT018, S101  (the caller has looked)
    inner = {name: each for name, each in shape.fields.items() if each.keyed_by and each.shape}
    key = field.keyed_by
    machine = {
        (item[key], name): _labels(each, item.get(name, []), path, item[key], origins)
        for item in before
        for name, each in inner.items()
    }

    def view(items: list[Document]) -> Document:
        return {item[key]: element(item) for item in items}

    def element(item: Document) -> Document:
        plain = {
            name: value
            for name, value in item.items()
            if name not in FOR_PEOPLE and name not in inner and not shape.fields[name].read_only
        }
        nested = {
            name: _machines(each, item.get(name, []), machine.get((item[key], name), ()), by_person)
            for name, each in inner.items()
        }
        return plain | nested

    return view


def _labels(field: Field, items: list[Document], path: str, key: str, origins: Origins) -> set[str]:
    """The elements of a nested list that a machine put."""
    labels, _ = keyed(field, items, [])
    return {
        name for name in labels if not _is_peoples(origins, f"{path}.{key}.{field.name}.{name}")
    }


def _machines(
    field: Field, items: list[Document], machines: Collection[str], by_person: bool
) -> Document:
    labels, _ = keyed(field, items, [])
    shape = field.shape
    assert shape is not None  # noqa: S101  (as above)
    return {
        name: {
            n: value["id"] if shape.fields[n].reference else value
            for n, value in item.items()
            if n not in FOR_PEOPLE and not shape.fields[n].read_only
        }
        for name, item in labels.items()
        if name in machines or not by_person
    }
