"""The alias that the serving version has, also where nobody gave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic_core import from_json

from headwater.api.dialects.mlflow.note import ALL, Item, items
from headwater.catalog.lifecycle import Summary
from headwater.catalog.stage import LATEST
from headwater.store.base import Record, Store
from headwater.store.draft import Document

_PRODUCTION = "production"


class Champion:
    """Knows which version is shown with the alias of the one that serves.

    Promotions over this protocol give it. A model that was promoted otherwise never had it: its
    serving version is shown with it. Where somebody took it away it stays away until the next
    promotion.

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
        for id_ in without.keys() - self._taken(without):
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
            if each.document["stage"] == _PRODUCTION
            and self.alias not in each.document.get("aliases", ())
        }
        if not candidates or not self.alias:
            return set()
        models = items(self._store.find_many(candidates).values())
        named = self.aliases(models).values()
        return {str(its[self.alias]["id"]) for its in named if self.alias in its}

    def _taken(self, models: Collection[str]) -> set[str]:
        """The ids of those models without the alias that had it since their last promotion."""
        if not models:
            return set()
        taken: dict[str, bool] = {}
        for move in self._store.entries(entity_ids=models, types=["lifecycle"], limit=ALL):
            if move.entity_id in taken or not ('"alias"' in move.data or _PRODUCTION in move.data):
                continue
            told = from_json(move.data)
            if told.get("alias") == self.alias:
                taken[move.entity_id] = True
            elif "alias" not in told and told.get("to") == _PRODUCTION:
                taken[move.entity_id] = False
        return {id_ for id_, is_taken in taken.items() if is_taken}
