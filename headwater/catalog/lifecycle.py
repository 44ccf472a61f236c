"""A model's versions as its document sums them up, and what a promotion sets of the model itself.

Pure functions over documents. The writes are in ``model_version.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from typing_extensions import override

from headwater.catalog.keyed import keyed
from headwater.catalog.merge import merge
from headwater.catalog.origin import FOR_PEOPLE, SETS, Origins, Rules
from headwater.catalog.same import same
from headwater.catalog.stage import is_listed
from headwater.schemas.kind import Field, Shape
from headwater.store.draft import Actor, Document
from headwater.store.stage import EXCLUSIVE, NONE

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
        self.protected = {
            each["alias"] for each in held.get("aliases", ()) if each.get("protected")
        }

    @property
    def stages(self) -> list[str]:
        """The stages that have versions, those that ship first; archived and none are not told."""
        own = sorted(self._stages.keys() - set(EXCLUSIVE))
        return [stage for stage in (*EXCLUSIVE, *own) if self._stages.get(stage)]

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
            NONE,
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
        if is_listed(stage):
            self._stages.setdefault(stage, []).append(version)

    def drop(self, version_id: str, *, latest: Document | None) -> None:
        """Forget a version; ``latest`` is the newest that is left."""
        for held in self._stages.values():
            held[:] = [each for each in held if each["id"] != version_id]
        self.aliases = {a: each for a, each in self.aliases.items() if each["id"] != version_id}
        self.protected &= self.aliases.keys()
        if self.latest and self.latest["id"] == version_id:
            self.latest = latest

    def as_json(self) -> Document:
        """The value of the model's ``lifecycle``."""
        stages = [{"stage": stage, "versions": self._stages[stage]} for stage in self.stages]
        aliases = [
            {"alias": a, **({"protected": True} if a in self.protected else {}), "version": each}
            for a, each in sorted(self.aliases.items())
        ]
        out: Document = {"lastNumber": self.last_number}
        for name, value in (("latest", self.latest), ("serving", self.serving)):
            out |= {name: value} if value else {}
        return (
            out | ({"stages": stages} if stages else {}) | ({"aliases": aliases} if aliases else {})
        )


def emptied(model: Document) -> Document:
    """The ``lifecycle`` of a model without versions; numbers that were given stay given."""
    return {"lastNumber": Summary(model).last_number}


def pointer(version: Document) -> Document:
    """A version as summaries name it."""
    return {name: version[name] for name in ("id", "number", "name")}


def projected(model: Document) -> tuple[str, ...]:
    """The fields that a promotion alone writes; none while nothing is in production."""
    return PROJECTED if model.get("lifecycle", {}).get("serving") else ()


class _Promotion(Rules):
    """The version owns which features and parameters there are; people keep sources of theirs."""

    leads = True

    @override
    def may_remove(self, field: Field, path: str) -> bool:
        if field.name in SETS:
            return super().may_remove(field, path)
        return field.name in PROJECTED or not self.is_peoples(path)


def project(
    shape: Shape, model: Document, version: Document, *, origins: Origins, actor: Actor
) -> Document:
    """The model with the serving version's values. A field that the version lacks stays.

    What people wrote of a feature, a source or a parameter stays while the element does, and so do
    the sources that they added.

    Args:
        shape: Of the model; ``origins``, too.
        actor: Who promotes, as a bot.
    """
    given = {name: version[name] for name in PROJECTED if version.get(name) is not None}
    return merge(shape, model, _whole(shape, given, given), _Promotion(origins, actor))


def _whole(shape: Shape, value: Document, names: Collection[str]) -> Document:
    """The value as a request that empties what it lacks of these fields, people's own apart."""
    return {
        name: _explicit(shape.fields[name], value.get(name))
        for name in names
        if not shape.fields[name].read_only and (name in value or name not in FOR_PEOPLE)
    }


def _explicit(field: Field, value: Any) -> Any:
    shape = field.shape
    if shape is None or not value:
        return value
    if isinstance(value, list):
        return [_whole(shape, item, shape.fields) for item in value]
    return _whole(shape, value, shape.fields)


def changed_projection(
    shape: Shape, before: Document, after: Document, *, origins: Origins, actor: Actor
) -> list[str]:
    """The projected fields that a direct write would change.

    What people fill in does not count, nor, for a person, sources that people added or add.
    """
    rules = Rules(origins, actor)
    return [
        name
        for name in projected(before)
        if _differs(shape.fields[name], before.get(name), after.get(name), name, rules)
    ]


def _differs(field: Field, old: Any, new: Any, path: str, rules: Rules) -> bool:
    if field.reference and old and new:
        return bool(old["id"] != new["id"])
    if field.shape is None or not field.keyed_by:
        return not same(old, new)
    known, asked = keyed(field, old or [], new or [])
    for name in {**known, **asked}:
        before, after = known.get(name), asked.get(name)
        where = rules.path(field, f"{path}.{name}", before or {})
        own = field.name not in PROJECTED and not rules.is_bot
        if own and (before is None or rules.is_peoples(where)):
            continue
        if before is None or after is None:
            return True
        if _element_differs(field.shape, before, after, where, rules):
            return True
    return False


def _element_differs(shape: Shape, old: Document, new: Document, path: str, rules: Rules) -> bool:
    return any(
        _differs(field, old.get(name), new.get(name), f"{path}.{name}", rules)
        for name, field in shape.fields.items()
        if name not in FOR_PEOPLE and not field.read_only
    )
