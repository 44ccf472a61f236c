"""Model versions: numbers, stages, aliases, and the model that follows the version it serves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headwater.catalog.lifecycle import (
    LATEST,
    LISTED,
    STAGES,
    Summary,
    pointer,
    project,
)
from headwater.catalog.same import same
from headwater.errors import ConflictError, InvalidInputError, NotFoundError, StaleWriteError
from headwater.names import check_name, child
from headwater.schemas import kind
from headwater.store.base import Entry, EntryWrite, EventWrite, Key, PageQuery, Record, Store
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
PROMOTION = "promotion"
"""The producer of what a promotion sets of a model."""
EXCLUSIVE = LISTED
"""Stages in which a move leaves one version, unless it says otherwise."""


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
        found = self._select(record, selector, as_of)
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
            InvalidInputError: There is no such stage.
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
            when = now_ms() if effective_at is None else effective_at
            records = {version.id: version} | {
                str(id_): each for id_, each in self._store.find_many(moves).items()
            }
            for id_ in sorted(moves, key=lambda id_: id_ == version.id):
                self._move(draft, model, summary, records[id_], moves[id_], when, reason)
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
        _check_word(alias, "/alias")

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
        if found is None or found.kind != "mlmodel" or found.deleted:
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
            chosen = _newest(self._store, model, "", word)
        elif selector in summary.aliases:
            chosen = summary.aliases[selector]
        else:
            named = self._store.find((KIND, child(model.fqn, selector)), as_of=as_of)
            return named or self._numbered(model, selector, as_of)
        return self._store.find(chosen["id"], as_of=as_of) if chosen else None

    def _numbered(self, model: Record, number: str, as_of: int | None) -> Record | None:
        entries = self._store.entries(
            entity_ids=[model.id], types=["modelVersion"], keys=[number], limit=1
        )
        return self._store.find(_data(entries[0])["id"], as_of=as_of) if entries else None

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
    model = store.find(str(change.parent_id))
    if model is None:
        raise StaleWriteError("the model of a version is gone", id=change.parent_id)
    summary, version = Summary(load(model)), change.after
    if change.before is None:
        number = summary.last_number + 1
        check_version_name(change.name, number)
        version |= {"number": number, "stage": "none", "aliases": [], "id": change.id}
        data = dump({"id": change.id})
        draft.entries.append(EntryWrite(model.id, KIND, str(number), now_ms(), data))
    if version.get("deleted"):
        return
    if change.before and change.before.get("deleted"):  # what it had may be another's by now
        version["stage"] = summary.stage_of(change.id)
        version["aliases"] = summary.aliases_of(change.id)
    summary.add(pointer(version))
    write_model(store, path, model, summary, draft, actor, serving=version)


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
    after = {**before, "lifecycle": summary.as_json()}
    change = path.change(kind(model.kind), model, before, after)
    change.promotes = True
    served = summary.serving
    if served:
        version = serving if serving and serving["id"] == served["id"] else None
        record = None if version else store.find(served["id"])
        version = version or (load(record) if record else {})
        change.after = project(change.kind.shape, after, version, change.origins)
    if same(before, change.after):
        draft.depend_on({model.id: model.rev})
        return
    by_promotion = Actor(actor.name, "bot", PROMOTION, role=actor.role)
    draft.merge(path.prepare(change, by_promotion, stored=model).draft)


def forget(store: Store, path: WritePath, version: Record, draft: Draft, actor: Actor) -> None:
    """Take a version that is deleted or erased out of its model's summary.

    Raises:
        ConflictError: It is in production.
    """
    model = store.find(str(version.parent_id))
    if model is None:
        raise StaleWriteError("the model of a version is gone", id=version.parent_id)
    summary = Summary(load(model))
    if any(each["id"] == version.id for each in summary.held("production")):
        raise ConflictError(
            f"modelVersion {version.fqn!r} is in production; move it to another stage first"
        )
    is_latest = (summary.latest or {}).get("id") == version.id
    newest = _newest(store, model, version.id) if is_latest else None
    summary.drop(version.id, latest=newest)
    write_model(store, path, model, summary, draft, actor)


def _newest(store: Store, model: Record, without: str, stage: str | None = None) -> Document | None:
    """The version of a model with the highest number but one, all or of a stage."""
    found: Document | None = None
    after: str | None = None
    while page := store.page(PageQuery(KIND, 1000, after, model.id)):
        for record in page:
            version = load(record)
            fits = record.id != without and (stage is None or version.get("stage") == stage)
            if fits and (found is None or found["number"] < version["number"]):
                found = pointer(version)
        after = page[-1].fqn
    return found


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


def check_version_name(name: str, number: int) -> None:
    """Refuse a name that selectors would take for something else.

    Raises:
        InvalidInputError: It is a stage, ``latest``, or another number than the version's own.
    """
    if name != str(number):
        _check_word(name, "/name")


def _check_word(word: str, pointer: str) -> None:
    """Refuse a name or alias that a selector would take for something else."""
    if word.lower() in (LATEST, *STAGES) or (word.isascii() and word.isdigit()):
        raise InvalidInputError.at(
            pointer,
            f"{word!r} cannot name a version: stages, 'latest' and numbers select by others",
        )
