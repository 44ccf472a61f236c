"""The alias that the serving version has, also where nobody gave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic_core import from_json

from headwater.api.dialects.mlflow.note import ALL, Item, items
from headwater.catalog.lifecycle import Summary
from headwater.catalog.stage import LATEST
from headwater.store.base import Record, Store
from headwater.store.draft import Document


class Champion:
    """Knows which version is shown with the alias of the one that serves.

    Promotions over this protocol give it. A model that was promoted otherwise never had it: its
    serving version is shown with it. Where somebody took it away it stays away.

    Attributes:
        alias: The alias; empty for none.
    """

    def __init__(self, store: Store, alias: str) -> None:
        self._store = store
        self.alias = alias

    def aliases(self, models: Sequence[Item]) -> dict[str, dict[str, Document]]:
        """Pointers to the versions that aliases stand for, by them and the ids of models."""
        summaries = {each.record.id: Summary(each.document) for each in models}
        found = {id_: dict(summary.aliases) for id_, summary in summaries.items()}
        without = {
            id_: summary.serving
            for id_, summary in summaries.items()
            if self.alias and summary.serving and self.alias not in summary.aliases
        }
        for id_ in without.keys() - self._named(without):
            found[id_][self.alias] = without[id_]
        return found

    def held(self, model: Record, alias: str) -> str | None:
        """The id of the version of a model that an alias stands for; ``latest``: of the newest."""
        (item,) = items([model])
        if alias.lower() == LATEST:
            version = Summary(item.document).latest
        else:
            version = self.aliases([item])[model.id].get(alias)
        return None if version is None else str(version["id"])

    def served(self, versions: Sequence[Item]) -> set[str]:
        """The ids of those versions that are shown with the alias though nobody gave it."""
        candidates = {
            str(each.record.parent_id)
            for each in versions
            if each.document["stage"] == "production"
            and self.alias not in each.document.get("aliases", ())
        }
        if not candidates or not self.alias:
            return set()
        models = items(self._store.find_many(candidates).values())
        named = self.aliases(models).values()
        return {str(its[self.alias]["id"]) for its in named if self.alias in its}

    def _named(self, models: Collection[str]) -> set[str]:
        """The ids of those models of which some version had the alias once."""
        if not models:
            return set()
        moves = self._store.entries(entity_ids=models, types=["lifecycle"], limit=ALL)
        marked = [each for each in moves if '"alias"' in each.data]
        return {e.entity_id for e in marked if from_json(e.data).get("alias") == self.alias}
