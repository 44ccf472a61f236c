"""The one write path: request → merge → identify → derive → diff → version → write set."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from headwater.catalog import model_summary, sign_in, stage
from headwater.catalog.circle import check_circle
from headwater.catalog.diff import FieldChange, diff, grouped
from headwater.catalog.keyed import where_they_stood
from headwater.catalog.lifecycle import emptied
from headwater.catalog.merge import merge, without_nulls
from headwater.catalog.origin import WHOLE, Rules, hand_back, origin, origins_of, record_origins
from headwater.catalog.part import identify_parts
from headwater.catalog.reference import (
    drop_repeats,
    loose_references,
    refuse_deleted,
    resolve,
    spelled_references,
    targets,
)
from headwater.catalog.same import same
from headwater.catalog.tag import keep_exclusive
from headwater.catalog.validation import check_keys
from headwater.errors import InvalidInputError
from headwater.names import child, new_id
from headwater.schemas import Kind, is_same_everywhere
from headwater.store.base import EntityWrite, EventWrite, Record, Reference, Store
from headwater.store.draft import Actor, Change, Document, Draft, dump, in_order, load, now_ms
from headwater.store.stage import KIND as STAGE
from headwater.store.text import written_text
from headwater.version import FIRST, Version

Derive = Callable[[Store, Change, Draft], None]
"""Completes a change and adds what follows from it to the draft: lineage, resolved sources."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A write that is ready to be committed.

    Attributes:
        write: The entity's new state, or None when nothing changes.
        stored: The state it replaces, or None for a new entity.
    """

    draft: Draft
    write: EntityWrite | None
    stored: Record | None


@dataclass(frozen=True, slots=True)
class Located:
    """A request whose references have their full form.

    Attributes:
        stored: The entity that has the FQN already, soft-deleted or not.
        references: What the request refers to; ``revs``: of these entities, by id.
    """

    request: Document
    parent_id: str | None
    fqn: str
    stored: Record | None
    references: list[Reference]
    revs: dict[str, int]


def locate(store: Store, which: Kind, request: Document) -> Located:
    """Resolve a request's references in place and find the entity that it is about.

    Raises:
        InvalidInputError: A reference does not resolve, or a new one is to something deleted; or
            two elements of a keyed list are one.
    """
    parent = which.parent
    if parent and request.get(parent.name) is None:
        if parent.default is None:
            raise InvalidInputError.at(f"/{parent.name}", "is required")
        request[parent.name] = parent.default
    spelled = list(spelled_references(which.shape, request))
    resolved = resolve(store, spelled)
    check_keys(which.shape, request)
    above = request[parent.name] if parent else {}
    fqn = child(above.get("fullyQualifiedName"), request["name"])
    stored = store.find((which.name, fqn))
    if resolved.gone:
        known = {each.target_id for each in targets(which, load(stored))} if stored else set()
        refuse_deleted(
            resolved.gone, known - {above.get("id")}
        )  # nothing lives below what is deleted
    drop_repeats(spelled)
    return Located(request, above.get("id"), fqn, stored, resolved.references, resolved.revs)


class WritePath:
    """Prepares writes; knows nothing of transactions, retries or transports."""

    def __init__(self, store: Store, derive: Derive) -> None:
        self._store = store
        self._derive = derive

    def create(self, which: Kind, found: Located, *, entity_id: str | None = None) -> Change:
        """A change that brings a new entity about, with an id of its own if none is given."""
        after = without_nulls(which.shape, found.request)
        return Change(
            which, entity_id or new_id(), found.fqn, after["name"], found.parent_id, None, after,
            depends=found.revs, references=found.references,
        )  # fmt: skip

    def update(self, which: Kind, stored: Record, found: Located, actor: Actor) -> Change:
        """A change that merges a request into the stored entity, and revives a deleted one."""
        before = load(stored)
        # Of its own: what a request leaves alone must not be one object in both documents.
        change = self.change(which, stored, before, load(stored))
        change.depends = found.revs
        if change.after.pop("deleted", None) and "lifecycle" in before:
            # Its versions stay deleted, and what the one that it served had set is nobody's.
            change.origins = hand_back(change.origins, model_summary.PROMOTION, actor)
            change.after["lifecycle"] = emptied(before)
        change.after = merge(which.shape, change.after, found.request, Rules(change.origins, actor))
        return change

    def change(self, which: Kind, stored: Record, before: Document, after: Document) -> Change:
        """A change from a stored entity to the document given."""
        return Change(
            which, stored.id, stored.fqn, stored.name, stored.parent_id, before, after,
            rev=stored.rev, origins=origins_of(stored),
        )  # fmt: skip

    def forget(self, stored: Record, draft: Draft, actor: Actor, *, force: bool) -> None:
        """Add to a draft what follows elsewhere from an entity's end."""
        if stored.kind == model_summary.KIND:
            model_summary.forget(self._store, self, stored, draft, actor, force=force)

    def prepare(self, change: Change, actor: Actor, *, stored: Record | None) -> Prepared:
        """Complete a change and put everything that it writes into a draft."""
        draft = Draft(expects=dict(change.depends))
        if change.kind.name == model_summary.MODEL:
            model_summary.check_model(change, draft, actor)
        if change.kind.name == sign_in.USER:
            sign_in.check_user(change, stored, actor)
        if change.kind.name == model_summary.KIND:
            model_summary.complete(self._store, self, change, draft, actor)
        if change.kind.name == STAGE:
            stage.check_stage(self._store, change, stored, draft, actor)
        check_circle(self._store, change, draft)
        keep_exclusive(self._store, change, actor)
        identify_parts(change)
        self._derive(self._store, change, draft)
        # Nothing tells what a new entity changed, so nobody needs to know.
        changes = diff(change.kind, change.before, change.after) if change.before else []
        deleted = bool(change.after.get("deleted"))
        was_deleted = stored is not None and stored.deleted
        if deleted != was_deleted:
            changes.append(_deletion(deleted=deleted))
        if change.before and not changes:
            where_they_stood(change.kind.shape, change.before, change.after)
        if not changes and stored and _is_as_stored(change, stored):
            draft.depend_on({change.id: change.rev})
            return Prepared(draft, None, stored)
        write = self.seal(change, changes, actor, stored)
        draft.entities.insert(0, write)
        if changes or stored is None:
            major = any(each.major for each in changes)
            draft.events.append(_event(change, write, stored, deleted, was_deleted, major))
        return Prepared(draft, write, stored)

    def seal(
        self, change: Change, changes: list[FieldChange], actor: Actor, stored: Record | None
    ) -> EntityWrite:
        """The entity's write: version, change description and the text that reads answer."""
        document = change.after
        version = Version.parse(stored.version) if stored else FIRST
        if stored and changes:
            document["changeDescription"] = describe(stored.version, changes, actor) | change.about
            version = version.next(major=any(c.major for c in changes))
        if changes or stored is None:
            document |= {"version": str(version), "updatedAt": now_ms(), "updatedBy": actor.name}
        document |= {"id": change.id, "fullyQualifiedName": change.fqn}
        if stored is None:
            origins = {WHOLE: origin(actor)}
        elif change.restores:
            origins = change.origins
        else:
            origins = record_origins(change.origins, changes, actor)
        return EntityWrite(
            id=change.id,
            kind=change.kind.name,
            fqn=change.fqn,
            name=change.name,
            parent_id=change.parent_id,
            version=str(version),
            expected_rev=change.rev,
            document=dump(in_order(change.kind, document)),
            deleted=bool(document.get("deleted")),
            origins=dump(origins),
            references=self._references(change),
            parts=tuple(change.parts),
            dropped_parts=tuple(change.dropped_parts),
            search=written_text(change.kind, document),
        )

    def _references(self, change: Change) -> tuple[Reference, ...]:
        found = change.references
        if found is None:
            found = targets(change.kind, change.after)
            if not is_same_everywhere(change.kind):
                found += self._loose(change, {each.target_id for each in found})
        return tuple(found)

    def _loose(self, change: Change, known: Container[str]) -> list[Reference]:
        """What the entity refers to since an earlier schema: its targets still cannot just go."""
        kept = {n: value for n, value in change.after.items() if n != "changeDescription"}
        ids = {id_ for id_ in loose_references(kept) if id_ not in known and id_ != change.id}
        rows = self._store.referrers(ids) if ids else ()
        return [Reference(path, target) for target, id_, path in rows if id_ == change.id]


def _is_as_stored(change: Change, stored: Record) -> bool:
    return same(change.after, change.before) and change.origins == origins_of(stored)


def describe(previous: str, changes: list[FieldChange], actor: Actor) -> Document:
    """The ``changeDescription`` of a version: what changed, by whom, how."""
    out: Document = {"previousVersion": previous}
    how = actor.producer or actor.kind
    for name, entries in grouped(changes).items():
        if entries:
            out[name] = [{**entry, "changedBy": actor.name, "how": how} for entry in entries]
    return out


def _deletion(*, deleted: bool) -> FieldChange:
    if deleted:
        return FieldChange("added", "deleted", None, True, major=False)
    return FieldChange("deleted", "deleted", True, None, major=False)


def _event(
    change: Change,
    write: EntityWrite,
    stored: Record | None,
    deleted: bool,
    was_deleted: bool,
    major: bool,
) -> EventWrite:
    if stored is None:
        what = "entityCreated"
    elif deleted != was_deleted:
        what = "entitySoftDeleted" if deleted else "entityRestored"
    else:
        what = "entityUpdated" if stored.fqn == write.fqn else "entityRenamed"
    described = change.after.get("changeDescription") if stored else None
    payload: Document = {"changeDescription": described} if described else {}
    if major and stored:
        payload["major"] = True
    if stored and stored.fqn != write.fqn:
        payload["previousFullyQualifiedName"] = stored.fqn
    return EventWrite(what, write.id, write.kind, write.fqn, write.version, dump(payload))
