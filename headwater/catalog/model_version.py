"""Model versions: finding them, moving them between stages, naming them, asking what was."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

from headwater.catalog.lifecycle import Summary, pointer
from headwater.catalog.model_summary import (
    KIND,
    MODEL,
    data_of,
    newest_version,
    note_move,
    stage_event,
    write_model,
)
from headwater.catalog.stage import (
    LATEST,
    check_listed,
    is_exclusive,
    is_listed,
)
from headwater.catalog.version_number import check_hides_nothing, check_word
from headwater.errors import ConflictError, InvalidInputError, NotFoundError
from headwater.names import check_name, child
from headwater.store.base import Entry, Key, Record, Store
from headwater.store.draft import (
    Actor,
    Document,
    Draft,
    load,
    now_ms,
    same_version,
    until_current,
)
from headwater.store.stage import STAGES, find_own_stage

if TYPE_CHECKING:
    from headwater.catalog.write import WritePath

_CLOCKS_DIFFER = 60_000
"""By how many milliseconds a caller's clock may be ahead."""


class ModelVersionService:
    """Where the versions of models stand: finding them, moving them, asking what was.

    Attributes:
        champion: FQN of a service, and the alias that there, once a version has it, moves on to
            each version that is served; None: no alias does.
    """

    def __init__(self, store: Store, path: WritePath) -> None:
        self.champion: tuple[str, str] | None = None
        self._store = store
        self._path = path

    def get(self, key: Key) -> Record:
        """Return a version.

        Raises:
            NotFoundError: There is no such version, or it is deleted.
        """
        found = self._store.find(key)
        if found is None or found.kind != KIND or found.deleted:
            what = repr(key[1]) if isinstance(key, tuple) else f"with id {key}"
            raise NotFoundError(f"there is no modelVersion {what}")
        return found

    def get_model(self, key: Key, *, as_of: int | None = None) -> Record:
        """Return a model.

        Raises:
            NotFoundError: There is no such model, or it is deleted.
        """
        found = self._store.find(key, as_of=as_of)
        if found is None or found.kind != MODEL or found.deleted:
            what = repr(key[1]) if isinstance(key, tuple) else f"with id {key}"
            raise NotFoundError(f"there is no mlmodel {what}")
        return found

    def find(self, model: Key, selector: str, *, as_of: int | None = None) -> Record:
        """Return the version of a model that a selector names.

        Args:
            model: The model's id, or its kind and FQN.
            selector: In this order: ``latest``, a stage, an alias, a name, a number.

        Raises:
            NotFoundError: There is no such model, or nothing that the selector names.
        """
        record = self.get_model(model, as_of=as_of)
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
        force: bool = False,
        alias: str | None = None,
    ) -> Record:
        """Move a version to a stage; into production, the model takes on its values at once.

        Args:
            stage: ``none``, ``staging``, ``production``, ``archived``, or one of one's own, in any
                case.
            effective_at: When it was so, in milliseconds since the epoch; now unless given.
            exclusive: Whether the version is to be alone in the stage; unless given, in staging,
                production, and own stages that say so, it is.
            force: Archive the versions that stand in the way of that, in the same commit.
            alias: What the version is called from then on; it may have a stage's name.

        Raises:
            NotFoundError: There is no such version.
            ConflictError: Another version is in the stage; ``details["holders"]`` names it. Or it
                has the alias, which is protected, and that is not forced.
            InvalidInputError: There is no such stage, or the time is in the future, or before one
                at which the version moved, or at which the stage that it is to have to itself
                changed hands.
        """
        stage = stage.lower()

        def attempt() -> Record:
            version, model = self._version(key)
            own = find_own_stage(self._store, stage)
            by_itself = is_exclusive(self._store, stage)
            alone = by_itself if exclusive is None else exclusive and is_listed(stage)
            summary = Summary(load(model))
            served = summary.serving
            others = [each for each in summary.held(stage) if each["id"] != version.id]
            if others and alone and not force:
                raise _held(model, stage, others)
            moves = {version.id: stage} | {each["id"]: "archived" for each in others if alone}
            is_served = stage != "production" or (summary.serving or {}).get("id") == version.id
            stays = load(version).get("stage") == stage and is_served and len(moves) == 1
            named = alias is None or (summary.aliases.get(alias) or {}).get("id") == version.id
            if stays and named:
                return version
            draft = Draft()
            when = self._effective(model, list(moves), effective_at)
            if effective_at is not None and alone:
                self._check_settled(model, stage, when)
            records = {version.id: version}
            if aside := moves.keys() - records.keys():
                found = self._store.find_many(aside)
                records |= {str(id_): each for id_, each in found.items()}
            for id_ in sorted(moves if not stays else (), key=lambda id_: id_ == version.id):
                self._move(draft, model, summary, records[id_], moves[id_], when, reason)
            if alias is not None:
                self._name(draft, model, summary, alias, version.id, force=force)
            elif summary.serving != served:
                self._follow(draft, model, summary, force=force)
            if own:  # whoever deletes it meanwhile looks again
                draft.entities.append(same_version(own, load(own)))
            self._commit(draft, model, summary, actor)
            return self._again(version)

        return until_current(attempt)

    def set_alias(
        self,
        key: Key,
        alias: str,
        *,
        actor: Actor,
        protected: bool | None = None,
        force: bool = False,
        any_word: bool = False,
    ) -> Record:
        """Give a version an alias; the version of the model that had it loses it.

        Args:
            protected: Whether it moves and goes by force only from now on; unless given, as before.
            force: Move it, or lift its protection, although it is protected.
            any_word: A stage's name, too, or a number or another version's name, so that ``find``
                finds one of the two; a producer whose source has such aliases may give them anyhow.

        Raises:
            NotFoundError: There is no such version.
            ConflictError: The alias is protected, and that is not forced; or it is the name of
                another version.
            InvalidInputError: The alias is a stage, ``latest`` or a number.
        """
        alias = check_name(alias, "/alias")
        may_hide = any_word or actor.kind == "bot"
        if not may_hide:
            check_word(self._store, alias, "/alias")

        def attempt() -> Record:
            version, model = self._version(key)
            summary = Summary(load(model))
            held, guarded = summary.aliases.get(alias), alias in summary.protected
            guards = guarded if protected is None else protected
            if held and held["id"] == version.id and guards == guarded:
                return version
            if guarded and not force:
                raise _protected(model, alias, held or {})
            if not may_hide:
                check_hides_nothing(self._store, model.fqn, alias, version.id)
            draft = Draft()
            if held and held["id"] != version.id and (before := self._store.find(held["id"])):
                self._rename_alias(draft, model, before, {"from": alias})
            summary.aliases[alias] = pointer(load(version))
            (summary.protected.add if guards else summary.protected.discard)(alias)
            about = {"to": alias} | ({"protected": guards} if guards != guarded else {})
            self._rename_alias(draft, model, version, about)
            self._commit(draft, model, summary, actor)
            return self._again(version)

        return until_current(attempt)

    def delete_alias(self, key: Key, alias: str, *, actor: Actor, force: bool = False) -> Record:
        """Take an alias from a version.

        Raises:
            NotFoundError: There is no such version, or it does not have the alias.
            ConflictError: The alias is protected, and that is not forced.
        """
        alias = check_name(alias, "/alias")

        def attempt() -> Record:
            version, model = self._version(key)
            summary = Summary(load(model))
            held = summary.aliases.get(alias)
            if held is None or held["id"] != version.id:
                raise NotFoundError(f"modelVersion {version.fqn!r} has no alias {alias!r}")
            if alias in summary.protected and not force:
                raise _protected(model, alias, held)
            draft = Draft()
            del summary.aliases[alias]
            summary.protected.discard(alias)
            self._rename_alias(draft, model, version, {"from": alias})
            self._commit(draft, model, summary, actor)
            return self._again(version)

        return until_current(attempt)

    def history(self, model: Key, *, before: int | None = None, limit: int = 100) -> list[Entry]:
        """Return the lifecycle records of a model's versions, newest first."""
        record = self.get_model(model)
        return self._store.entries(
            entity_ids=[record.id], types=["lifecycle"], before=before, limit=limit
        )

    def held_at(self, model: Key, stage: str, at: int) -> list[Document]:
        """Return the versions that were in a stage at a time, by when moves took effect.

        Args:
            stage: Any but ``none``, in any case.
            at: Milliseconds since the epoch.

        Raises:
            NotFoundError: There is no such model.
            InvalidInputError: There is no such stage.
        """
        stage = stage.lower()
        check_listed(self._store, stage)
        entries, before = list[Entry](), None
        while page := self.history(model, before=before, limit=1000):
            entries += page
            before = page[-1].number
        entries.sort(key=lambda each: (each.at, each.number))
        held: dict[str, Document] = {}
        for entry in (each for each in entries if each.at <= at):
            move = data_of(entry)
            if "alias" in move:
                continue
            held.pop(entry.key, None)
            if move["to"] == stage:
                held[entry.key] = {"id": entry.key, "number": move["number"], "name": move["name"]}
        return list(held.values())

    # Inside

    def _version(self, key: Key) -> tuple[Record, Record]:
        """A version and its model."""
        found = self.get(key)
        return found, self.get_model(str(found.parent_id))

    def _again(self, version: Record) -> Record:
        """The version as it now is."""
        return self._store.find(version.id) or version

    def _select(self, model: Record, selector: str, as_of: int | None) -> Record | None:
        summary, word = Summary(load(model)), selector.lower()
        if word == LATEST:
            chosen = summary.latest
        elif summary.held(word):
            chosen = summary.held(word)[-1]
        elif word in STAGES:
            chosen = newest_version(self._store, model, lambda v: v["stage"] == word, as_of=as_of)
        elif selector in summary.aliases and not selector.isdecimal():
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
        return self._store.find(data_of(entries[0])["id"], as_of=as_of) if entries else None

    def _effective(self, model: Record, moved: list[str], asked: int | None) -> int:
        """When moves of versions take effect: not before those that they follow.

        Args:
            moved: Ids, that of the version that is asked for first.

        Raises:
            InvalidInputError: It was asked to.
        """
        now = now_ms()
        if asked is not None and asked > now + _CLOCKS_DIFFER:
            raise InvalidInputError.at(
                "/effectiveAt",
                f"{asked} is in the future, in milliseconds since the epoch: a move is recorded"
                " when it has happened",
            )
        if asked is None:
            return max(now, *(self._moved_at(model, each) for each in moved))
        if asked < (last := self._moved_at(model, moved[0])):
            raise InvalidInputError.at(
                "/effectiveAt", f"the version's last move took effect at {last}, which is later"
            )
        return min(asked, now)

    def _check_settled(self, model: Record, stage: str, at: int) -> None:
        """Refuse to tell anew who had a stage to itself: one version had it, at any time.

        Raises:
            InvalidInputError: The stage changed hands after that time.
        """
        before = None
        while page := self.history(model.id, before=before, limit=1000):
            for each in page:
                move = data_of(each)
                about = () if "alias" in move else (move["from"], move["to"])
                if each.at > at and stage in about:
                    raise InvalidInputError.at(
                        "/effectiveAt",
                        f"version {move['name']!r} moved from {move['from']} to {move['to']} at"
                        f" {each.at}, which is later: which version was in {stage} until then"
                        " is settled",
                    )
            before = page[-1].number

    def _moved_at(self, model: Record, version_id: str) -> int:
        """When the last move of a version took effect, in milliseconds; far back without one."""
        before, size = None, 100
        while True:
            page = self._store.entries(
                entity_ids=[model.id],
                types=["lifecycle"],
                keys=[version_id],
                before=before,
                limit=size,
            )
            for entry in page:
                if "alias" not in data_of(entry):
                    return entry.at
            if len(page) < size:
                return -(2**53)
            before = page[-1].number

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
        note_move(draft, model, version, document, about, when)
        draft.events.append(stage_event("stageChanged", version, about))

    def _follow(self, draft: Draft, model: Record, summary: Summary, *, force: bool) -> None:
        """Let the alias of what is served, where the service has one and it is given, move on.

        Raises:
            ConflictError: Another version has it, protected, and that is not forced.
        """
        service, alias = self.champion or ("", "")
        if summary.serving and alias in summary.aliases and model.fqn.startswith(f"{service}."):
            self._name(draft, model, summary, alias, summary.serving["id"], force=force)

    def _name(
        self,
        draft: Draft,
        model: Record,
        summary: Summary,
        alias: str,
        version_id: str,
        *,
        force: bool,
    ) -> None:
        """Add to a draft that a version has an alias, and that the one that had it has not."""
        held = summary.aliases.get(alias)
        if held and held["id"] == version_id:
            return
        if held and alias in summary.protected and not force:
            raise _protected(model, alias, held)
        if held and (before := self._store.find(held["id"])):
            self._rename_alias(draft, model, before, {"from": alias})
        if version := self._store.find(version_id):
            summary.aliases[alias] = pointer(load(version))
            self._rename_alias(draft, model, version, {"to": alias})

    def _rename_alias(self, draft: Draft, model: Record, version: Record, about: Document) -> None:
        """Add what an alias comes to, or goes from, to a draft that may have moved the version."""
        moved = next((each for each in draft.entities if each.id == version.id), None)
        document = json.loads(moved.document) if moved else load(version)
        draft.entities = [each for each in draft.entities if each is not moved]
        aliases = {*document.get("aliases", ()), about.get("to")} - {about.get("from"), None}
        document["aliases"] = sorted(aliases)
        alias = about.get("to") or about["from"]
        note_move(draft, model, version, document, {"alias": alias, **about}, now_ms())
        draft.events.append(stage_event("aliasChanged", version, about))

    def _commit(self, draft: Draft, model: Record, summary: Summary, actor: Actor) -> None:
        write_model(self._store, self._path, model, summary, draft, actor)
        draft.commit(self._store, actor)


def _held(model: Record, stage: str, others: list[Document]) -> ConflictError:
    named = " and ".join(f"version {each['name']!r}" for each in others)
    are = "is" if len(others) == 1 else "are"
    return ConflictError(
        f"{named} of mlmodel {model.fqn!r} {are} in {stage}, which one version has to itself:"
        " with force that one is archived in the same commit; with exclusive=false both stay",
        holders=others,
    )


def _protected(model: Record, alias: str, held: Document) -> ConflictError:
    return ConflictError(
        f"the alias {alias!r} of mlmodel {model.fqn!r} is protected, and stays with version"
        f" {held.get('name')!r}; force moves it, takes it away, or lifts the protection",
        holder=held,
    )
