"""Model versions: numbers, stages, aliases, and the model that follows the version it serves."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator
from typing import TYPE_CHECKING

from headwater.catalog.lifecycle import (
    LATEST,
    LISTED,
    STAGES,
    Summary,
    changed_projection,
    pointer,
    project,
)
from headwater.catalog.origin import hand_back
from headwater.catalog.same import same
from headwater.catalog.version_number import check_word, new_number
from headwater.errors import ConflictError, InvalidInputError, NotFoundError, StaleWriteError
from headwater.names import check_name, child
from headwater.schemas import kind
from headwater.store.base import Entry, EntryWrite, EventWrite, Key, Record, Store
from headwater.store.draft import (
    Actor,
    Change,
    Document,
    Draft,
    dump,
    load,
    now_ms,
    same_version,
    until_current,
)

if TYPE_CHECKING:
    from headwater.catalog.write import WritePath

KIND = "modelVersion"
MODEL = "mlmodel"
PROMOTION = "promotion"
"""The producer of what a promotion sets of a model."""
EXCLUSIVE = LISTED
"""Stages in which a move leaves one version, unless it says otherwise."""
_CLOCKS_DIFFER = 60_000
"""By how many milliseconds a caller's clock may be ahead."""


class ModelVersionService:
    """Where the versions of models stand: finding them, moving them, asking what was."""

    def __init__(self, store: Store, path: WritePath) -> None:
        self._store = store
        self._path = path

    def find(self, model: Key, selector: str, *, as_of: int | None = None) -> Record:
        """Return the version of a model that a selector names.

        Args:
            model: The model's id, or its kind and FQN.
            selector: In this order: ``latest``, a stage, an alias, a name, a number.

        Raises:
            NotFoundError: There is no such model, or nothing that the selector names.
        """
        record = self._model(model, as_of=as_of)
        found = self._select(record, unicodedata.normalize("NFC", selector), as_of)
        if found is None or found.deleted:
            raise NotFoundError(f"mlmodel {record.fqn!r} has no version {selector!r}")
        return found

    def set_stage(
        self,
        key: Key,
        stage: str,
        *,
        actor: Actor,
        reason: str | None = None,
        effective_at: int | None = None,
        exclusive: bool | None = None,
    ) -> Record:
        """Move a version to a stage; into production, the model takes on its values at once.

        Args:
            stage: ``none``, ``staging``, ``production`` or ``archived``.
            effective_at: When it was so, in milliseconds since the epoch; now unless given.
            exclusive: Whether the versions that are in the stage are archived; unless given, in
                staging and production they are.

        Raises:
            NotFoundError: There is no such version.
            InvalidInputError: There is no such stage, the version's last move took effect later,
                or the time is in the future.
        """
        stage = stage.lower()
        if stage not in STAGES:
            raise InvalidInputError.at("/stage", f"a stage is {' or '.join(STAGES)}, not {stage!r}")
        alone = stage in EXCLUSIVE if exclusive is None else exclusive and stage in LISTED

        def attempt() -> Record:
            version, model = self._version(key)
            summary = Summary(load(model))
            others = [each for each in summary.held(stage) if each["id"] != version.id]
            moves = {version.id: stage} | {each["id"]: "archived" for each in others if alone}
            is_served = stage != "production" or (summary.serving or {}).get("id") == version.id
            if load(version).get("stage") == stage and is_served and len(moves) == 1:
                return version
            draft = Draft()
            when = self._effective(model, version, effective_at)
            records = {version.id: version} | {
                str(id_): each for id_, each in self._store.find_many(moves).items()
            }
            for id_ in sorted(moves, key=lambda id_: id_ == version.id):
                # What makes room does so no earlier than it came: its moves stay in their order.
                at = when if id_ == version.id else max(when, self._moved_at(model, id_))
                self._move(draft, model, summary, records[id_], moves[id_], at, reason)
            self._commit(draft, model, summary, actor)
            return self._again(version)

        return until_current(attempt)

    def set_alias(self, key: Key, alias: str, *, actor: Actor) -> Record:
        """Give a version an alias; the version of the model that had it loses it.

        Raises:
            NotFoundError: There is no such version.
            InvalidInputError: The alias is a stage, ``latest`` or a number.
        """
        alias = check_name(alias, "/alias")
        check_word(alias, "/alias")

        def attempt() -> Record:
            version, model = self._version(key)
            summary = Summary(load(model))
            held = summary.aliases.get(alias)
            if held and held["id"] == version.id:
                return version
            draft = Draft()
            if held and (before := self._store.find(held["id"])):
                self._rename_alias(draft, model, before, {"from": alias})
            summary.aliases[alias] = pointer(load(version))
            self._rename_alias(draft, model, version, {"to": alias})
            self._commit(draft, model, summary, actor)
            return self._again(version)

        return until_current(attempt)

    def delete_alias(self, key: Key, alias: str, *, actor: Actor) -> Record:
        """Take an alias from a version.

        Raises:
            NotFoundError: There is no such version, or it does not have the alias.
        """
        alias = check_name(alias, "/alias")

        def attempt() -> Record:
            version, model = self._version(key)
            summary = Summary(load(model))
            held = summary.aliases.get(alias)
            if held is None or held["id"] != version.id:
                raise NotFoundError(f"modelVersion {version.fqn!r} has no alias {alias!r}")
            draft = Draft()
            del summary.aliases[alias]
            self._rename_alias(draft, model, version, {"from": alias})
            self._commit(draft, model, summary, actor)
            return self._again(version)

        return until_current(attempt)

    def history(self, model: Key, *, before: int | None = None, limit: int = 100) -> list[Entry]:
        """Return the lifecycle records of a model's versions, newest first."""
        record = self._model(model)
        return self._store.entries(
            entity_ids=[record.id], types=["lifecycle"], before=before, limit=limit
        )

    def held_at(self, model: Key, stage: str, at: int) -> list[Document]:
        """Return the versions that were in a stage at a time, by when moves took effect.

        Args:
            at: Milliseconds since the epoch.
        """
        entries, before = list[Entry](), None
        while page := self.history(model, before=before, limit=1000):
            entries += page
            before = page[-1].number
        entries.sort(key=lambda each: (each.at, each.number))
        held: dict[str, Document] = {}
        for entry in (each for each in entries if each.at <= at):
            move = _data(entry)
            if "alias" in move:
                continue
            held.pop(entry.key, None)
            if move["to"] == stage:
                held[entry.key] = {"id": entry.key, "number": move["number"], "name": move["name"]}
        return list(held.values())

    # Inside

    def _model(self, key: Key, *, as_of: int | None = None) -> Record:
        found = self._store.find(key, as_of=as_of)
        if found is None or found.kind != MODEL or found.deleted:
            what = repr(key[1]) if isinstance(key, tuple) else f"with id {key}"
            raise NotFoundError(f"there is no mlmodel {what}")
        return found

    def _version(self, key: Key) -> tuple[Record, Record]:
        """A version and its model."""
        found = self._store.find(key)
        if found is None or found.kind != KIND or found.deleted:
            what = repr(key[1]) if isinstance(key, tuple) else f"with id {key}"
            raise NotFoundError(f"there is no modelVersion {what}")
        return found, self._model(str(found.parent_id))

    def _again(self, version: Record) -> Record:
        """The version as it now is."""
        return self._store.find(version.id) or version

    def _select(self, model: Record, selector: str, as_of: int | None) -> Record | None:
        summary, word = Summary(load(model)), selector.lower()
        if word == LATEST:
            chosen = summary.latest
        elif word in LISTED:
            chosen = next(reversed(summary.held(word)), None)
        elif word in STAGES:
            chosen = _newest(self._store, model, lambda v: v["stage"] == word, as_of=as_of)
        elif selector in summary.aliases:
            chosen = summary.aliases[selector]
        else:
            now = self._store.find(model.id) if as_of is not None else None
            named = (KIND, child((now or model).fqn, selector))
            return self._store.find(named, as_of=as_of) or self._numbered(model, selector, as_of)
        return self._store.find(chosen["id"], as_of=as_of) if chosen else None

    def _numbered(self, model: Record, number: str, as_of: int | None) -> Record | None:
        entries = self._store.entries(
            entity_ids=[model.id], types=["modelVersion"], keys=[number], limit=1
        )
        return self._store.find(_data(entries[0])["id"], as_of=as_of) if entries else None

    def _effective(self, model: Record, version: Record, asked: int | None) -> int:
        """When a move of a version takes effect: not before the one that it follows.

        Raises:
            InvalidInputError: It was asked to.
        """
        if asked is not None and asked > now_ms() + _CLOCKS_DIFFER:
            raise InvalidInputError.at(
                "/effectiveAt",
                f"{asked} is in the future, in milliseconds since the epoch: a move is recorded"
                " when it has happened",
            )
        last = self._moved_at(model, version.id)
        if asked is not None and asked < last:
            raise InvalidInputError.at(
                "/effectiveAt", f"the version's last move took effect at {last}, which is later"
            )
        return max(now_ms(), last) if asked is None else asked

    def _moved_at(self, model: Record, version_id: str) -> int:
        """When the last move of a version took effect, in milliseconds; far back without one."""
        before: int | None = None
        while page := self._store.entries(
            entity_ids=[model.id], types=["lifecycle"], keys=[version_id], before=before
        ):
            for entry in page:
                if "alias" not in _data(entry):
                    return entry.at
            before = page[-1].number
        return -(2**53)

    def _move(
        self,
        draft: Draft,
        model: Record,
        summary: Summary,
        version: Record,
        stage: str,
        when: int,
        reason: str | None,
    ) -> None:
        """Add the move of one version to a draft and to its model's summary."""
        document = load(version)
        about = {"from": document.get("stage", "none"), "to": stage}
        about |= {"reason": reason} if reason else {}
        document["stage"] = stage
        summary.place(pointer(document), stage)
        _note(draft, model, version, document, about, when)
        draft.events.append(_event("stageChanged", version, about))

    def _rename_alias(self, draft: Draft, model: Record, version: Record, about: Document) -> None:
        """Add what an alias comes to, or goes from, to a draft."""
        document = load(version)
        aliases = {*document.get("aliases", ()), about.get("to")} - {about.get("from"), None}
        document["aliases"] = sorted(aliases)
        alias = about.get("to") or about["from"]
        _note(draft, model, version, document, {"alias": alias, **about}, now_ms())
        draft.events.append(_event("aliasChanged", version, about))

    def _commit(self, draft: Draft, model: Record, summary: Summary, actor: Actor) -> None:
        write_model(self._store, self._path, model, summary, draft, actor)
        draft.commit(self._store, actor)


def complete(store: Store, path: WritePath, change: Change, draft: Draft, actor: Actor) -> None:
    """Number a new version, and let its model know of it, or follow it when it is served.

    Raises:
        InvalidInputError: The version's name is a stage, ``latest``, or another number.
        StaleWriteError: The model is gone.
    """
    if change.follows:
        return
    model = _model_of(store, change.parent_id)
    summary, version = Summary(load(model)), change.after
    if change.before is None:
        last = summary.last_number
        number = new_number(store, model.id, change.name, last=last, actor=actor)
        version |= {"number": number, "stage": "none", "aliases": [], "id": change.id}
        data = dump({"id": change.id})
        draft.entries.append(EntryWrite(model.id, KIND, str(number), now_ms(), data))
    if version.get("deleted"):
        return
    if change.before and change.before.get("deleted"):  # what it had may be another's by now
        if version["stage"] in LISTED:
            version["stage"] = summary.stage_of(change.id)
        version["aliases"] = summary.aliases_of(change.id)
    if model.deleted:  # restored by this commit, and summed up with all its versions
        return
    summary.add(pointer(version))
    write_model(store, path, model, summary, draft, actor, serving=version)


def sum_up(change: Change, restored: Iterable[Record]) -> None:
    """Let a model that is restored know of the versions that are restored with it."""
    summary, change.follows = Summary(change.after), True
    for record in restored:
        if record.parent_id == change.id:
            summary.add(pointer(load(record)))
    change.after["lifecycle"] = summary.as_json()


def write_model(
    store: Store,
    path: WritePath,
    model: Record,
    summary: Summary,
    draft: Draft,
    actor: Actor,
    *,
    serving: Document | None = None,
) -> None:
    """Add the model with its new summary, and with what it serves, to a draft.

    Args:
        serving: The document of a version that the draft writes, for it may be the one served.
    """
    before = load(model)
    after = {**load(model), "lifecycle": summary.as_json()}
    change = path.change(kind(model.kind), model, before, after)
    change.follows = True
    by_promotion = Actor(actor.name, "bot", PROMOTION, role=actor.role)
    was, served = Summary(before).serving, summary.serving
    if was and not served:  # the fields are ordinary again, and nobody's
        change.origins = hand_back(change.origins, PROMOTION, actor)
    elif served and (version := _newly_served(store, was, served, serving)):
        change.after = project(
            change.kind.shape, after, version, origins=change.origins, actor=by_promotion
        )
    if same(before, change.after):
        draft.depend_on({model.id: model.rev})
        return
    draft.merge(path.prepare(change, by_promotion, stored=model).draft)


def _newly_served(
    store: Store, was: Document | None, served: Document, written: Document | None
) -> Document | None:
    """The document of the version served, unless the model has its values already."""
    if written and written["id"] == served["id"]:
        return written
    record = None if was and was["id"] == served["id"] else store.find(served["id"])
    return load(record) if record else None


def forget(store: Store, path: WritePath, version: Record, draft: Draft, actor: Actor) -> None:
    """Take a version that is deleted or erased out of its model's summary.

    Raises:
        ConflictError: It is in production.
    """
    model = _model_of(store, version.parent_id)
    summary = Summary(load(model))
    if any(each["id"] == version.id for each in summary.held("production")):
        raise ConflictError(
            f"modelVersion {version.fqn!r} is in production; move it to another stage first"
        )
    draft.entries += _left(model.id, summary, {version.id})
    is_latest = (summary.latest or {}).get("id") == version.id
    newest = _newest(store, model, lambda v: v["id"] != version.id) if is_latest else None
    summary.drop(version.id, latest=newest)
    write_model(store, path, model, summary, draft, actor)


def check_model(change: Change, draft: Draft, actor: Actor) -> None:
    """Refuse a direct write of what a promotion set; note what a model that is revived lost.

    Raises:
        ConflictError: It would change a value that the serving version has.
    """
    before, after = change.before, change.after
    if before is None or change.follows or "lifecycle" not in before:
        return
    if not same(before["lifecycle"], after["lifecycle"]):  # revived without its versions
        draft.entries += _left(change.id, Summary(before))
        change.origins = hand_back(change.origins, PROMOTION, actor)
        return
    fields = changed_projection(
        change.kind.shape, before, after, origins=change.origins, actor=actor
    )
    if fields:
        serving = before["lifecycle"]["serving"]
        raise ConflictError(
            f"{', '.join(fields)} of mlmodel {change.fqn!r} are what its version {serving['name']}"
            " in production has; write them to a version and promote it:"
            " POST /api/v1/modelVersions/{id}/stage",
            fields=fields,
            serving=serving,
        )


def _left(
    model_id: str, summary: Summary, version_ids: Container[str] | None = None
) -> Iterator[EntryWrite]:
    """Lifecycle records of versions that lose stage and aliases, for they are deleted."""
    moves = [
        (each, {"from": stage, "to": STAGES[0]}) for stage in LISTED for each in summary.held(stage)
    ] + [(each, {"alias": alias, "from": alias}) for alias, each in summary.aliases.items()]
    for each, about in moves:
        if version_ids is None or each["id"] in version_ids:
            about = {"number": each["number"], "name": each["name"], **about, "reason": "deleted"}
            yield EntryWrite(model_id, "lifecycle", each["id"], now_ms(), dump(about))


def _model_of(store: Store, model_id: str | None) -> Record:
    model = store.find(str(model_id))
    if model is None:
        raise StaleWriteError("the model of a version is gone", id=model_id)
    return model


def _newest(
    store: Store, model: Record, fits: Callable[[Document], bool], *, as_of: int | None = None
) -> Document | None:
    """The version of a model with the highest number of those that fit."""
    before: int | None = None
    while entries := store.entries(
        entity_ids=[model.id], types=[KIND], before=before, as_of=as_of, limit=100
    ):
        ids = [_data(entry)["id"] for entry in entries]
        found = store.find_many(ids, as_of=as_of)
        live = [load(found[id_]) for id_ in ids if id_ in found and not found[id_].deleted]
        if version := next(filter(fits, live), None):
            return pointer(version)
        before = entries[-1].number
    return None


def _note(
    draft: Draft, model: Record, version: Record, document: Document, about: Document, when: int
) -> None:
    """Add a version's new state and a lifecycle record of it to a draft."""
    draft.entities.append(same_version(version, document))
    data = {name: document[name] for name in ("number", "name")} | about
    draft.entries.append(EntryWrite(model.id, "lifecycle", version.id, when, dump(data)))


def _event(what: str, version: Record, about: Document) -> EventWrite:
    return EventWrite(what, version.id, version.kind, version.fqn, version.version, dump(about))


def _data(entry: Entry) -> Document:
    data: Document = json.loads(entry.data)
    return data
