"""The models and versions that MLflow's clients see: those of one service, by MLflow's names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from heapq import merge
from itertools import chain

from headwater.api.dialects.mlflow.argument import Tags
from headwater.api.dialects.mlflow.champion import Champion
from headwater.api.dialects.mlflow.check import check_tags
from headwater.api.dialects.mlflow.error import MlflowError
from headwater.api.dialects.mlflow.note import TAG, Notes
from headwater.api.dialects.mlflow.origin import Origins
from headwater.api.dialects.mlflow.view import View
from headwater.api.resource import Services
from headwater.catalog.lifecycle import Summary
from headwater.catalog.rename import name_aside
from headwater.errors import NotFoundError
from headwater.names import check_name, child, quote
from headwater.store.base import PageQuery, Record
from headwater.store.draft import Actor, load
from headwater.store.paging import every

MODEL = "mlmodel"
VERSION = "modelVersion"
SERVICE = "mlmodelService"
_PAGE = 1000
_LAST = "\U0010ffff"  # behind every other character


class Registry:
    """What both halves of the protocol need of the services.

    Attributes:
        service: FQN of the service that the models belong to.
        champion: Knows the alias of the serving version.
    """

    def __init__(self, services: Services) -> None:
        self.catalog = services.catalog
        self.records = services.records
        self.store = services.store
        self._service_name = check_name(services.settings.mlflow_service, "mlflow_service")
        self.service = quote(self._service_name)
        self._prefix = f"{self.service}."
        alias = services.settings.mlflow_alias
        self.champion = Champion(services.store, "" if alias == "none" else alias)
        self.origins = Origins(services.settings)
        self.notes = Notes(services.store)
        self.view = View(services.store, self.notes, self.champion)

    def fqn(self, name: str) -> str:
        """The FQN of a model."""
        return child(self.service, unicodedata.normalize("NFC", name))

    def model(self, name: str) -> Record:
        """Return a registered model.

        Raises:
            MlflowError: There is none of that name.
        """
        found = self.store.find((MODEL, self.fqn(name)))
        if found is None or found.deleted:
            raise MlflowError(
                "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found"
            )
        return found

    def version(self, name: str, number: int) -> Record:
        """Return a version of a registered model.

        Raises:
            MlflowError: There is no such model, or no such version of it.
        """
        fqn = self.fqn(name)
        found = self.store.find((VERSION, child(fqn, str(number))))  # as most are called
        if found and not found.deleted and load(found)["number"] == number:
            return found
        try:
            return self.catalog.model_versions.find((MODEL, fqn), str(number))
        except NotFoundError:
            raise MlflowError(
                "RESOURCE_DOES_NOT_EXIST",
                f"Model Version (name={name}, version={number}) not found",
            ) from None

    def set_tags(self, record: Record, tags: Tags, actor: Actor) -> None:
        """Give a model or version tags.

        Raises:
            MlflowError: A key or a value cannot be one.
        """
        data = {key: {"value": value} for key, value in check_tags(tags).items()}
        self._record(record, data, actor)

    def delete_tag(self, record: Record, key: str, actor: Actor) -> None:
        """Take a tag away, if it is there."""
        if self.store.entries(entity_ids=[record.id], types=[TAG], keys=[key], limit=1):
            self._record(record, {key: {"deleted": True}}, actor)

    def has(self, record: Record) -> bool:
        """Whether a model or version belongs to the service."""
        return record.fqn.startswith(self._prefix)

    def all(
        self, kind: str, *, after: str = "", until: str = "", first: int = _PAGE
    ) -> Iterator[Record]:
        """Yield what is live of a kind in the service, ordered by FQN.

        Args:
            after: Only what is behind this FQN; ``until``: and before this one.
            first: How many are read at first; more follow when they are asked for.
        """
        after, until = max(after, self._prefix), until or self._prefix + _LAST
        size = first
        while True:
            page = self.store.page(PageQuery(kind, size, after))
            for record in page:
                if record.fqn >= until:
                    return
                yield record
            if len(page) < size:
                return
            after, size = page[-1].fqn, _PAGE

    def by_name(self, after: str, first: int) -> Iterator[Record]:
        """Yield live models ordered by name, those behind a name.

        By FQN those whose names must be quoted there, for a dot say, stand together, elsewhere than
        by name. They alone are sorted here.

        Args:
            first: How many are wanted at least.
        """
        begin, quoted, end = (self._prefix + each for each in (after, '"', f'"{_LAST}'))
        apart = list(self.all(MODEL, after=quoted, until=end, first=1))
        plain = chain(
            self.all(MODEL, after=begin, until=quoted, first=1) if begin < quoted else (),
            self.all(MODEL, after=max(begin, end), first=first),
        )
        apart = sorted((e for e in apart if e.name > after), key=lambda each: each.name)
        return merge(plain, apart, key=lambda each: each.name)

    def versions_of(self, model: Record) -> Iterator[Record]:
        """The live versions of a model."""
        return every(self.store, VERSION, parent_id=model.id)

    def ensure_service(self, actor: Actor) -> None:
        """Create the service where it is not there yet."""
        if self.store.find((SERVICE, self.service)) is None:
            body = {"name": self._service_name, "serviceType": "Mlflow"}
            self.catalog.put(SERVICE, body, actor=actor)

    def describe(self, record: Record, description: str | None, actor: Actor) -> None:
        """Set a description, or take it away."""
        self.catalog.patch(
            record.kind, record.id, {"description": description or None}, actor=actor
        )

    def move(self, version: Record, stage: str, actor: Actor, *, archive: bool) -> Record:
        """Move a version to a stage, beside those that are there or in place of them.

        In production it is called as what serves is.
        """
        alias = self.champion.alias if stage == "production" else ""
        return self.catalog.model_versions.set_stage(
            version.id, stage, actor=actor, exclusive=archive, force=archive, alias=alias or None
        )

    def set_alias(self, version_id: str, alias: str, actor: Actor) -> Record:
        """Give a version an alias."""
        return self.catalog.model_versions.set_alias(version_id, alias, actor=actor, any_word=True)

    def check_free(self, version: Record, alias: str) -> None:
        """Refuse to move an alias that is protected; over this protocol nothing forces it.

        Raises:
            MlflowError: Another version has it.
        """
        summary = Summary(load(self.catalog.model_versions.get_model(str(version.parent_id))))
        if alias in summary.protected and summary.aliases[alias]["id"] != version.id:
            raise MlflowError("RESOURCE_CONFLICT", f"The alias {alias} is protected.")

    def delete_alias(self, version_id: str, alias: str, actor: Actor) -> None:
        """Take an alias from a version; that it has gone meanwhile is as good."""
        with suppress(NotFoundError):
            self.catalog.model_versions.delete_alias(version_id, alias, actor=actor)

    def delete_version(self, version: Record, actor: Actor) -> None:
        """Delete a version, whatever stage it is in; what serves then is called so."""
        alias = self.champion.alias
        model_id = str(version.parent_id)
        had = alias in load(version).get("aliases", ())
        self.catalog.delete(VERSION, version.id, actor=actor, force=True)
        if had and (served := Summary(load(self.catalog.get(MODEL, model_id))).serving):
            self.set_alias(served["id"], alias, actor)

    def free(self, name: str, actor: Actor) -> None:
        """Let a name be used again that a soft-deleted model holds: that one is renamed."""
        found = self.store.find((MODEL, self.fqn(name)))
        if found is None or not found.deleted:
            return
        aside = name_aside(name)
        self.catalog.rename(MODEL, found.id, aside, actor=actor, include_deleted=True)

    def _record(self, record: Record, data: Mapping[str, object], actor: Actor) -> None:
        entity = {"type": record.kind, "id": record.id}
        self.records.put(
            [{"entity": entity, "type": TAG, "key": k, "data": d} for k, d in data.items()],
            actor=actor,
        )
