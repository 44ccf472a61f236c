"""Models of scikit-learn: what a fitted estimator says of itself becomes a model or a version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, overload

from headwater import names
from headwater.document import Document
from headwater.errors import InvalidInputError
from headwater.generated import MlModel, ModelVersion
from headwater.sdk.address import EntityLike, address_of
from headwater.sdk.entities import EntityCalls
from headwater.sdk.sklearn_feature import fitted, model_fields

Sources = EntityLike | Mapping[str, EntityLike | Sequence[EntityLike]]
"""A table that has the raw columns by name, or, of each raw column, what it is read from."""

_Holder = dict[str, str]
_HOLDERS = ("table", "container")


class SklearnCalls(EntityCalls):
    """What scikit-learn's estimators become; see ``Headwater``."""

    @overload
    def sklearn_model(
        self,
        name: str,
        model: Any,
        frame_or_names: Any = None,
        *,
        sources: Sources | None = None,
        version: None = None,
        parameters: Iterable[str] = (),
        service: EntityLike | None = None,
        target: str | None = None,
    ) -> MlModel: ...
    @overload
    def sklearn_model(
        self,
        name: str,
        model: Any,
        frame_or_names: Any = None,
        *,
        sources: Sources | None = None,
        version: str | Literal[True],
        parameters: Iterable[str] = (),
        service: EntityLike | None = None,
        target: str | None = None,
    ) -> ModelVersion: ...
    def sklearn_model(
        self,
        name: str,
        model: Any,
        frame_or_names: Any = None,
        *,
        sources: Sources | None = None,
        version: str | Literal[True] | None = None,
        parameters: Iterable[str] = (),
        service: EntityLike | None = None,
        target: str | None = None,
    ) -> MlModel | ModelVersion:
        """Register a fitted estimator or pipeline: class, parameters, and what its features are of.

        Features are what the final estimator is given; each has the raw columns that it is made
        from, traced through pipelines, column transformers and unions.

        Args:
            name: The model's, in the catalog.
            model: The estimator or pipeline, fitted. Of a search, the best one.
            frame_or_names: The data that it was fitted with, or the names of its columns; needed
                unless it was fitted with a frame. Of a frame, the types are kept, too.
            sources: The table that has the raw columns, or a mapping of raw columns to tables
                (where they have the same name), to columns, or to lists of both. A raw column that
                is not mentioned, or that the table lacks, stays a source by its name alone.
            version: Make a version of the model of this name (True: of its number), trained now;
                the model is made where it is missing, and else left as it is.
            parameters: Names of parameters to keep although they have their default value. A
                version keeps all, so that others can be compared with it.
            service: The model's; ``headwater`` unless given.
            target: What it predicts.

        Raises:
            InvalidInputError: The model is not fitted, the columns are not those that it was fitted
                with, or there is no such table.
            ConflictError: The model has a version in production, and so follows its versions.
            AlreadyExistsError: The version is there already.

        Example:
            >>> hw.sklearn_model("churn", pipeline, frame, sources="warehouse.main.shop.customers")
        """
        found = fitted(model, frame_or_names)
        held = self._sources_of(found.columns, sources)
        kept = parameters if version is None else None
        fields = model_fields(found, held, parameters=kept)
        if target is not None:
            fields["target"] = target
        request = {"name": name, **fields}
        if service is not None:
            request["service"] = address_of(service, "mlmodelService").reference()
        if version is None:
            return self.create_or_update(request, kind=MlModel)
        return self._version_of(request, fields, version)

    def _version_of(
        self, request: Mapping[str, Any], fields: Mapping[str, Any], version: str | Literal[True]
    ) -> ModelVersion:
        service = self._fqn(request.get("service", "headwater"), "mlmodelService")
        known = self.find(MlModel, names.child(service, request["name"]))
        parent = known or self.create(request, kind=MlModel)
        if version is True:
            last = parent.lifecycle.last_number if parent.lifecycle else 0
            version = str((last or 0) + 1)
        made = {"name": version, "mlmodel": {"id": parent.id}, "trainedAt": _now(), **fields}
        return self.create(made, kind=ModelVersion)

    def _sources_of(
        self, raw: Sequence[str], sources: Sources | None
    ) -> dict[str, list[dict[str, Any]]]:
        """The feature sources of each raw column."""
        given: Mapping[str, Any] = dict.fromkeys(raw, sources)
        if isinstance(sources, Mapping):
            given = sources
            if unknown := sorted(set(given) - set(raw)):
                raise InvalidInputError(f"sources names {unknown}; the model's columns are {raw}")
        known: dict[str, tuple[_Holder, str | None]] = {}
        found: dict[str, list[dict[str, Any]]] = {}
        for name in raw:
            ends = given.get(name)
            listed = [ends] if ends is None or isinstance(ends, (str, Document)) else list(ends)
            found[name] = [{"name": name} | self._held(name, end, known) for end in listed]
        return found

    def _held(
        self, name: str, end: EntityLike | None, known: dict[str, tuple[_Holder, str | None]]
    ) -> dict[str, Any]:
        """Where a raw column is read from, as far as that is said."""
        if end is None:
            return {}
        if not isinstance(end, str):
            return {"dataSource": address_of(end).reference()}
        if end not in known:
            known[end] = self._looked_up(end)
        holder, column = known[end]
        return {"name": column or name, "dataSource": holder}

    def _looked_up(self, end: str) -> tuple[_Holder, str | None]:
        """What holds data of that name, and the path of the column where the name is one's."""
        address = address_of(end)
        if address.fqn is None:
            return address.reference(), None
        is_holder = address.kind in _HOLDERS
        parts = names.split(address.fqn)
        for length in range(len(parts), 0, -1) if not is_holder else [len(parts)]:
            for kind in [str(address.kind)] if is_holder else _HOLDERS:
                if entity := self.find(kind, names.join(*parts[:length])):
                    path = names.join(*parts[length:]) if length < len(parts) else None
                    return {"type": kind, "id": entity.id}, path
        raise InvalidInputError(f"sources: {end!r} is no table of the catalog, nor a column of one")


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
