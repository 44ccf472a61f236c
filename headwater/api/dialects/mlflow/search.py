"""MLflow's searches: which models and versions fit, in which order, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Any, NamedTuple

from headwater.api.dialects.mlflow.argument import Arguments
from headwater.api.dialects.mlflow.filter import (
    PROMPT,
    Attributes,
    Clause,
    Filter,
    parse_filter,
)
from headwater.api.dialects.mlflow.note import Item, Note, items
from headwater.api.dialects.mlflow.order import (
    Order,
    in_order,
    parse_order,
    parse_token,
    token,
)
from headwater.api.dialects.mlflow.registry import MODEL, VERSION, Registry
from headwater.store.base import Record
from headwater.store.draft import Actor

Json = dict[str, Any]
_NAME, _NUMBER = "name", "version_number"
_CREATED, _UPDATED = "creation_timestamp", "last_updated_timestamp"
_TIMES = {_CREATED: _CREATED, _UPDATED: _UPDATED, "timestamp": _UPDATED}
_BY_NAME: Order = ((_NAME, True),)
_NEWEST_FIRST: Order = ((_UPDATED, False), (_NAME, True), (_NUMBER, False))
_OF_MODELS = Attributes(frozenset({_NAME}), listed=frozenset({_NAME}))
_OF_VERSIONS = Attributes(
    frozenset({_NAME, "run_id", "source_path"}),
    frozenset({_NUMBER}),
    frozenset({_NAME, "run_id"}),
)
_MOST_MODELS, _MOST_VERSIONS = 1_000, 200_000


class _Found(NamedTuple):
    """What a search found, in order, as of a commit."""

    seq: int
    asked: tuple[Any, ...]
    items: list[Item]


class Searches:
    """Each method answers one path."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._last = _Found(-1, (), [])

    def models(self, asked: Arguments, actor: Actor) -> Json:  # noqa: ARG002
        """Search registered models."""
        text, clauses = asked.find("filter"), asked.texts("order_by")
        wanted = parse_filter(text, _OF_MODELS)
        order = parse_order(clauses, {_NAME: _NAME, **_TIMES}, _BY_NAME)
        size = asked.number("max_results", 100, most=_MOST_MODELS)
        offset, after = parse_token(asked.find("page_token"))
        if order == _BY_NAME and wanted.names() is None:
            page, next_ = self._by_name(wanted, size, after or "")
        else:
            asked_for = (MODEL, text, order)
            page, next_ = self._page(
                asked_for, size, offset, lambda: self._sorted(self._models(wanted), order)
            )
        return _answer("registered_models", self._registry.view.models(page), next_)

    def versions(self, asked: Arguments, actor: Actor) -> Json:  # noqa: ARG002
        """Search model versions."""
        text, clauses = asked.find("filter"), asked.texts("order_by")
        wanted = parse_filter(text, _OF_VERSIONS)
        keys = {_NAME: _NAME, _NUMBER: _NUMBER, **_TIMES}
        beside = _NEWEST_FIRST[1:] if clauses else _NEWEST_FIRST
        order = parse_order(clauses, keys, beside)
        size = asked.number("max_results", 10_000, most=_MOST_VERSIONS)
        offset, _ = parse_token(asked.find("page_token"))
        page, next_ = self._page(
            (VERSION, text, order),
            size,
            offset,
            lambda: self._sorted(self._versions(wanted), order),
        )
        return _answer("model_versions", self._registry.view.versions(page), next_)

    # Inside

    def _by_name(self, wanted: Filter, size: int, after: str) -> tuple[list[Item], str | None]:
        """A page of models in the order in which the store has them: none but those are read."""
        fits = self._judge(wanted)
        found = (r for r in self._registry.by_name(after, size + 1) if fits(r))
        page = items(islice(found, size + 1))
        if len(page) <= size:
            return page, None
        return page[:size], token("after", page[size - 1].record.name)

    def _page(
        self, asked: tuple[Any, ...], size: int, offset: int, find: Callable[[], list[Item]]
    ) -> tuple[list[Item], str | None]:
        """A page of what is sorted as a whole, which is kept until the next commit."""
        seq, last = self._registry.store.sequence(), self._last
        if (last.seq, last.asked) != (seq, asked):
            self._last = last = _Found(seq, asked, find())
        end = offset + size
        more = token("offset", end) if end < len(last.items) else None
        return last.items[offset:end], more

    def _models(self, wanted: Filter) -> list[Item]:
        registry, names = self._registry, wanted.names()
        if names is not None:
            keys = [(MODEL, registry.fqn(name)) for name in names]
            found: Iterable[Record] = registry.store.find_many(set(keys)).values()
        else:
            tagged = self._tagged(wanted, MODEL)
            found = registry.all(MODEL) if tagged is None else tagged
        fits = self._judge(wanted)
        return items(each for each in found if not each.deleted and fits(each))

    def _versions(self, wanted: Filter) -> list[Item]:
        found = items(each for each in self._candidates(wanted) if not each.deleted)
        notes, fits = self._registry.notes, self._judge(wanted, attributes=False)
        by_run = [each for each in wanted.clauses if not each.is_tag and each.key == "run_id"]
        told = notes.of(found) if by_run else {}
        others = [each for each in wanted.clauses if not each.is_tag]
        return [
            item
            for item in found
            if fits(item.record)
            and all(c.fits(_attribute(item, c.key, told.get(item.record.id))) for c in others)
        ]

    def _candidates(self, wanted: Filter) -> Iterable[Record]:
        """The versions among which those that fit are: as few as can be told at once."""
        registry, names = self._registry, wanted.names()
        if names is not None:
            keys = {(MODEL, registry.fqn(name)) for name in names}
            models = registry.store.find_many(keys).values()
            return [v for m in models if not m.deleted for v in registry.versions_of(m)]
        for clause in wanted.clauses:
            if not clause.is_tag and clause.key == "run_id" and clause.comparator in ("=", "IN"):
                runs = [clause.value] if clause.comparator == "=" else clause.value
                return self._those(registry.notes.of_runs(runs), VERSION)
        tagged = self._tagged(wanted, VERSION)
        return registry.all(VERSION) if tagged is None else tagged

    def _tagged(self, wanted: Filter, kind: str) -> list[Record] | None:
        """What has a tag that is asked for; None where none is."""
        for clause in wanted.clauses:
            if clause.is_tag:
                values = self._registry.notes.tagged(clause.key)
                return self._those({i for i, v in values.items() if clause.fits(v)}, kind)
        return None

    def _those(self, ids: Collection[str], kind: str) -> list[Record]:
        """The things of the registry with these ids."""
        if not ids:
            return []
        found = self._registry.store.find_many(ids).values()
        return [r for r in found if r.kind == kind and self._registry.has(r) and not r.deleted]

    def _judge(self, wanted: Filter, *, attributes: bool = True) -> Callable[[Record], bool]:
        """Whether things fit: by their tags, and, of models, by the name."""
        notes = self._registry.notes
        prompts = {} if wanted.prompts else notes.tagged(PROMPT)
        tags = [(c, notes.tagged(c.key)) for c in wanted.clauses if c.is_tag]
        names = [c for c in wanted.clauses if not c.is_tag] if attributes else list[Clause]()

        def fits(record: Record) -> bool:
            return (
                prompts.get(record.id) != "true"
                and all(clause.fits(values.get(record.id)) for clause, values in tags)
                and all(clause.fits(record.name) for clause in names)
            )

        return fits

    def _sorted(self, found: list[Item], order: Order) -> list[Item]:
        timed = any(key in _TIMES for key, _ in order)
        if timed and found and found[0].record.kind == MODEL:  # as it is shown: by its versions
            shown = self._registry.view.models(found)
            told = {each.record.id: its for each, its in zip(found, shown, strict=True)}
            return in_order(found, order, lambda each, key: told[each.record.id][key])
        notes = self._registry.notes.of(found) if timed else {}
        return in_order(
            found, order, lambda each, key: _attribute(each, key, notes.get(each.record.id))
        )


def _attribute(item: Item, key: str, note: Note | None) -> Any:
    """What a model or version has under a key of filters and orders."""
    document = item.document
    if key == _NAME:
        return document["mlmodel"]["name"] if item.record.kind == VERSION else item.record.name
    if key == _NUMBER:
        return document["number"]
    if key == "source_path":
        return document.get("sourceUri", "")
    if note is None:
        return None
    return {"run_id": note.run_id, _CREATED: note.created, _UPDATED: note.updated}[key]


def _answer(name: str, found: list[Json], next_: str | None) -> Json:
    return {**({name: found} if found else {}), **({"next_page_token": next_} if next_ else {})}
