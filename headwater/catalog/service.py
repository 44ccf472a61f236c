"""The catalog: create, change, read and browse entities of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from headwater.catalog import removal
from headwater.catalog.bulk import BulkResult, put_bulk
from headwater.catalog.keyed import paths
from headwater.catalog.leftover import leftovers, put_back, without
from headwater.catalog.lifecycle import Summary
from headwater.catalog.merge import with_peoples_words, without_nulls
from headwater.catalog.model_content import ModelContentService
from headwater.catalog.model_version import ModelVersionService
from headwater.catalog.origin import Rules, origins_of, release, shown
from headwater.catalog.patch import apply_patch
from headwater.catalog.preview import Ahead, describe, preview
from headwater.catalog.read import CatalogReader
from headwater.catalog.reference import spell_by_id
from headwater.catalog.rename import prepare_aside, prepare_rename
from headwater.catalog.revert import reverted, reverted_origins
from headwater.catalog.same import same
from headwater.catalog.validation import check_nested, check_request
from headwater.catalog.write import Derive, Located, Prepared, WritePath, locate
from headwater.catalog.written import Written, check_rev, commit
from headwater.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StaleWriteError,
)
from headwater.names import escape
from headwater.schemas import Kind, is_same_everywhere, kind
from headwater.store.base import EntryWrite, Key, Record, Store
from headwater.store.draft import Actor, Change, Document, load, until_current
from headwater.store.stage import KIND as STAGE

STOOD = "stands so since an earlier schema: replace it, or take it out, in this patch"
Records = Callable[[str], Iterable[EntryWrite]]
BUILT_IN = ("mlmodelService", {"name": "headwater", "serviceType": "CustomMlModel"})
BUILT_IN_ID = "68656164-7761-8465-8272-000000000001"
BUILT_IN_IDS = {
    ("mlmodelService", "headwater"): BUILT_IN_ID,
    ("pipelineService", "headwater"): "68656164-7761-8465-8272-000000000002",
}
"""Ids of services that are the same in every store, so that what belongs to them in one can go to
another. The first is there from the start, the second from the first run of a connector."""


class CatalogService(CatalogReader):
    """Everything that changes or reads entities goes through here.

    Unconditional writes that meet another writer are applied again to what that one left.
    ``if_match`` is the rev that the entity must have.
    """

    def __init__(self, store: Store, *, derive: Derive = lambda *_: None) -> None:
        super().__init__(store)
        self._derive = derive
        self._path = WritePath(store, derive)
        self.model_versions = ModelVersionService(store, self._path)
        self.model_content = ModelContentService(store, self.model_versions)

    def ensure_built_in(self) -> None:
        """Create the service that models belong to when none is named."""
        name, body = BUILT_IN
        which, actor = kind(name), Actor("headwater", "bot", "headwater")

        def attempt() -> None:
            found = locate(self._store, which, check_request(which, body))
            if found.stored is None:
                change = self._new(which, found)
                commit(self._store, self._path.prepare(change, actor, stored=None), actor)

        until_current(attempt)

    def create(
        self,
        kind_name: str,
        body: Any,
        *,
        actor: Actor,
        records: Records = lambda _: (),
        replace_deleted: bool = False,
    ) -> Written:
        """Create an entity.

        Args:
            records: Makes the records that it has from the start, from its id.
            replace_deleted: A soft-deleted entity of the FQN makes room: in the same commit it is
                renamed, with what lies below it, and can be restored under that name. Not a version
                that is called by its number, a stage, nor a service that is built in.

        Raises:
            InvalidInputError: The request is not valid, or a reference does not resolve.
            AlreadyExistsError: The FQN is taken, if only by a soft-deleted entity.
        """
        which = kind(kind_name)

        def attempt() -> Written:
            found = locate(self._store, which, check_request(which, body))
            aside = None
            if found.stored:
                if not (replace_deleted and _may_make_room(found.stored)):
                    raise _taken(found.stored)
                aside = prepare_aside(self._store, self._path, found.stored, actor)
            change = self._new(which, found)
            prepared = self._path.prepare(change, actor, stored=None)
            prepared.draft.entries += records(change.id)
            if aside:
                aside.draft.merge(prepared.draft)
                prepared = replace(prepared, draft=aside.draft)
            return commit(self._store, prepared, actor)

        return until_current(attempt)

    def create_model_version(
        self, model: Key, body: Any, *, actor: Actor, records: Records = lambda _: ()
    ) -> Written:
        """Create a version of a model, named by its number unless the request has a name.

        A soft-deleted version of the name makes room; see ``create``.

        Args:
            body: A create request of a ``modelVersion``, its ``mlmodel`` left out.
            records: Makes the records that it has from the start, from its id.

        Raises:
            NotFoundError: There is no such model.
            InvalidInputError: The request is not valid, or a reference does not resolve.
            AlreadyExistsError: The name that was given is taken.
        """
        if not isinstance(body, dict):
            raise InvalidInputError.at("", "a version is an object")
        if body.get("mlmodel") is not None:
            raise InvalidInputError.at("/mlmodel", "is the one that the path names")

        def attempt() -> Written:
            try:
                parent = self.model_versions.get_model(model)
            except NotFoundError:  # what is wrong with a request is told first, here as elsewhere
                check_request(kind("modelVersion"), {"name": "1", **body, "mlmodel": {}})
                raise
            given = {"name": str(Summary(load(parent)).last_number + 1), **body}
            request = {**given, "mlmodel": {"id": parent.id}}
            try:
                return self.create(
                    "modelVersion", request, actor=actor, records=records, replace_deleted=True
                )
            except (AlreadyExistsError, InvalidInputError) as error:
                # Somebody else was given the number meanwhile: the version there may be named by
                # it, or it may have another name, and then the number is refused as one.
                faults = error.details.get("errors", [{"pointer": "/name"}])
                if "name" in body or faults[0]["pointer"] != "/name":
                    raise
                raise StaleWriteError(error.message) from error

        return until_current(attempt)

    def put(
        self, kind_name: str, body: Any, *, actor: Actor, if_match: int | None = None
    ) -> Written:
        """Create an entity, or merge the request into the one of that name; revive a deleted one.

        Raises:
            InvalidInputError: The request is not valid, or a reference does not resolve.
            PreconditionError: The entity has another rev.
        """
        which = kind(kind_name)

        def attempt() -> Written:
            prepared = self._prepare_put(which, body, actor, if_match)
            try:
                return commit(self._store, prepared, actor)
            except AlreadyExistsError as error:  # somebody else created it in between
                raise StaleWriteError(error.message, **error.details) from error

        return until_current(attempt)

    def put_bulk(self, kind_name: str, items: Sequence[Any], *, actor: Actor) -> BulkResult:
        """Put many entities of a kind; items that fail are reported, the others are written.

        The order of ``written`` is that of the items.
        """
        which = kind(kind_name)
        return put_bulk(
            self._store,
            items,
            actor=actor,
            prepare=lambda item: self._prepare_put(which, item, actor, None),
            put=lambda item: self.put(which.name, item, actor=actor),
        )

    def preview(self, kind_name: str, items: Sequence[Any], *, actor: Actor) -> list[Document]:
        """Return what putting the items in bulk would do, and write nothing.

        Each is ``{index, action, fullyQualifiedName, version, fieldsAdded, …}``, where the action
        is ``create``, ``update``, ``restore``, ``none`` or, with ``message``, ``fail``.
        """
        which, ahead = kind(kind_name), Ahead(self._store)
        then = CatalogService(cast("Store", ahead), derive=self._derive)
        return preview(items, lambda item: then._prepare_put(which, item, actor, None), ahead)

    def preview_put(
        self, kind_name: str, body: Any, *, actor: Actor, if_match: int | None = None
    ) -> Document:
        """Return what ``put`` would do, as ``preview`` does of many, and write nothing.

        Raises:
            HeadwaterError: What ``put`` would raise.
        """
        return describe(self._prepare_put(kind(kind_name), body, actor, if_match))

    def patch(
        self, kind_name: str, key: Key, patch: Any, *, actor: Actor, if_match: int | None = None
    ) -> Written:
        """Apply a JSON Patch (a list) or a merge patch (an object) to an entity.

        Raises:
            NotFoundError: There is no such entity.
            InvalidInputError: The patch does not apply, or what it makes is not valid.
            PreconditionError: The entity has another rev.
        """
        which = kind(kind_name)

        def attempt() -> Written:
            stored = self.get(kind_name, key)
            check_rev(stored, if_match)
            before = load(stored)
            patched = apply_patch(before, patch)
            with _hint(which, STOOD, lambda name: same(before.get(name), patched.get(name))):
                change = self._checked(which, stored, before, patched)
            check_nested(which.shape, before, patched)
            if actor.kind == "bot":
                rules = Rules(change.origins, actor)
                change.after = with_peoples_words(which.shape, before, change.after, rules)
            return commit(self._store, self._path.prepare(change, actor, stored=stored), actor)

        return until_current(attempt)

    def rename(
        self,
        kind_name: str,
        key: Key,
        name: str,
        *,
        actor: Actor,
        if_match: int | None = None,
        include_deleted: bool = False,
    ) -> Written:
        """Give an entity another name; what lies below it and what refers to it follows at once.

        The entity gets a version and an event; the others are rewritten without either.

        Args:
            include_deleted: A soft-deleted one, too, so that its name can be used again.

        Raises:
            NotFoundError: There is no such entity.
            InvalidInputError: The name cannot be one.
            AlreadyExistsError: Another entity has the name, if only a soft-deleted one.
            ConflictError: It is a service that is built in.
        """

        def attempt() -> Written:
            stored = self.get(kind_name, key, include_deleted=include_deleted)
            check_rev(stored, if_match)
            if (stored.kind, stored.fqn) in BUILT_IN_IDS and name != stored.name:
                raise ConflictError(
                    f"{stored.kind} {stored.fqn!r} is built in: what names no service belongs to it"
                    " by its name; make one of another name beside it"
                )
            prepared = prepare_rename(self._store, self._path, stored, name, actor)
            return commit(self._store, prepared, actor)

        return until_current(attempt)

    def revert(
        self, kind_name: str, key: Key, version: str, *, actor: Actor, if_match: int | None = None
    ) -> Written:
        """Write a new version with the values, and their origins, of an earlier one.

        Never the name, nor what only the catalog sets. References whose targets are gone are left
        out, and named in ``changeDescription.referencesGone``.

        Raises:
            NotFoundError: There is no such entity, or it never had that version.
            InvalidInputError: A machine asks: it would take back what people wrote.
        """
        which = kind(kind_name)
        if actor.kind != "person":
            raise InvalidInputError("only a person reverts; a machine puts what it means to be")

        def attempt() -> Written:
            stored = self.get(kind_name, key)
            check_rev(stored, if_match)
            target = self.get_version(kind_name, stored.id, version)
            before, then = load(stored), load(target)
            wanted, gone = reverted(self._store, which, before, then)
            hint = f"is as an earlier schema had it in {version}: patch in what it is to be"
            with _hint(which, hint, lambda name: name in then and name in wanted):
                change = self._checked(which, stored, before, wanted)
            change.origins = reverted_origins(which, stored, target, change.after)
            change.restores = True
            change.about = {"referencesGone": gone} if gone else {}
            return commit(self._store, self._path.prepare(change, actor, stored=stored), actor)

        return until_current(attempt)

    def release(self, kind_name: str, key: Key, field: str, *, actor: Actor) -> Written:
        """Hand a field back that a person set or emptied: machines may write it again.

        Args:
            field: Its path, as versions spell it: ``description``, ``columns.age.tags``.

        Raises:
            NotFoundError: There is no such entity.
            InvalidInputError: The entity has no such field, or a machine asks.
        """
        which = kind(kind_name)
        if actor.kind != "person":
            raise InvalidInputError("only a person hands back what people wrote")

        def attempt() -> Written:
            stored = self.get(kind_name, key)
            before, marks = load(stored), origins_of(stored)
            known = {*paths(which.shape, before), *(shown(*each) for each in marks.items())}
            if not field or field not in known:
                message = f"{which.name} {stored.fqn!r} has no field {field!r}"
                raise InvalidInputError.at("/field", message)
            change = self._path.change(which, stored, before, load(stored))
            change.origins = release(change.origins, field, actor)
            return commit(self._store, self._path.prepare(change, actor, stored=stored), actor)

        return until_current(attempt)

    def delete(
        self,
        kind_name: str,
        key: Key,
        *,
        actor: Actor,
        recursive: bool = False,
        force: bool = False,
        if_match: int | None = None,
    ) -> Written:
        """Soft-delete an entity, with everything below it when ``recursive``.

        Args:
            force: Although it is a version in production, or a model that has one, or holds such.

        Raises:
            NotFoundError: There is no such entity, or it is deleted already.
            ConflictError: It has children and ``recursive`` is not set, or is in production; or it
                is the default of a reference.
        """

        def attempt() -> Written:
            stored = self.get(kind_name, key)
            check_rev(stored, if_match)
            return removal.delete(
                self._store, self._path, stored, actor, recursive=recursive, force=force
            )

        return until_current(attempt)

    def restore(self, kind_name: str, entity_id: str, *, actor: Actor) -> Written:
        """Bring a soft-deleted entity back, with what was deleted together with it.

        Raises:
            NotFoundError: There is no such entity.
            ConflictError: It is not deleted, or its parent is; or a stage would hide it.
        """

        def attempt() -> Written:
            stored = self.get(kind_name, entity_id, include_deleted=True)
            return removal.restore(self._store, self._path, stored, actor)

        return until_current(attempt)

    def erase(
        self,
        kind_name: str,
        key: Key,
        *,
        actor: Actor,
        recursive: bool = False,
        force: bool = False,
        if_match: int | None = None,
    ) -> Record:
        """Delete an entity for good: document, history, edges, event payloads and search text.

        A tombstone stays: that there was such an entity, when it went, and by whom.

        Args:
            recursive: With everything below it.
            force: Take it out of the entities that refer to it, each a new version.

        Returns:
            The last state of what is gone.

        Raises:
            NotFoundError: There is no such entity, soft-deleted or not.
            ConflictError: It has children and ``recursive`` is not set, or entities refer to it
                (``details["referrers"]`` names them) and ``force`` is not set; or it is the default
                of a reference.
        """

        def attempt() -> Record:
            stored = self.get(kind_name, key, include_deleted=True)
            check_rev(stored, if_match)
            removal.erase(self._store, self._path, stored, actor, recursive=recursive, force=force)
            return stored

        return until_current(attempt)

    # Inside

    def _prepare_put(self, which: Kind, body: Any, actor: Actor, if_match: int | None) -> Prepared:
        found = locate(self._store, which, check_request(which, body))
        stored = found.stored
        check_rev(stored, if_match)
        if stored is None:
            change = self._new(which, found)
        else:
            change = self._path.update(which, stored, found, actor)
        return self._path.prepare(change, actor, stored=stored)

    def _new(self, which: Kind, found: Located) -> Change:
        own = BUILT_IN_IDS.get((which.name, found.fqn))
        if own and self._store.find(own):  # earlier releases let it be renamed
            own = None
        return self._path.create(which, found, entity_id=own)

    def _checked(self, which: Kind, stored: Record, before: Document, patched: Any) -> Change:
        """A change to the patched document, valid, with the catalog's own fields as they were."""
        if not isinstance(patched, dict):
            raise InvalidInputError("the patch does not leave an object")
        read_only = [f.name for f in which.shape.fields.values() if f.read_only]
        for name in [*read_only, *([which.parent.name] if which.parent else [])]:
            if patched.get(name) != before.get(name):
                raise InvalidInputError.at(f"/{name}", "is not changed by a patch")
        if patched.get("name") != before["name"]:
            raise InvalidInputError.at("/name", "is changed by a rename, not by a patch")
        left = leftovers(which, before, patched)
        given = without(patched, left) if left else patched
        request = check_request(which, {n: v for n, v in given.items() if n not in read_only})
        spell_by_id(which.shape, before, request)
        located = locate(self._store, which, request)
        kept = {name: before[name] for name in read_only if name in before}
        after = {**kept, **without_nulls(which.shape, located.request)}
        put_back(after, left, patched)
        change = self._path.change(which, stored, before, after)
        change.depends = located.revs
        return change


@contextmanager
def _hint(which: Kind, hint: str, stood: Callable[[str], bool]) -> Iterator[None]:
    """Say of what is refused, and stood so already, that the schema has changed since."""
    try:
        yield
    except InvalidInputError as error:
        pointers = {each["pointer"] for each in error.errors if each["pointer"]}
        if is_same_everywhere(which) or not pointers:
            raise
        names = {escape(name) for name in which.shape.fields if stood(name)}
        at = sorted(each for each in pointers if each.split("/")[1] in names)
        if not at:
            raise
        message = f"{error.message} ({', '.join(at)} {hint})"
        raise InvalidInputError(message, **error.details) from error


def _may_make_room(record: Record) -> bool:
    """Whether an entity is gone so far that another can have its name."""
    is_numbered = record.kind == "modelVersion" and record.name.isdecimal()
    is_fixed = is_numbered or record.kind == STAGE or record.id in BUILT_IN_IDS.values()
    return record.deleted and not is_fixed


def _taken(record: Record) -> AlreadyExistsError:
    what = f"{record.kind} {record.fqn!r}"
    if record.deleted:
        how = "restore brings it back as it was, PUT revives it"
        if record.kind == STAGE:
            how = f"stages keep their names; {how}"
        return AlreadyExistsError(
            f"{what} is there, soft-deleted; {how}", id=record.id, deleted=True
        )
    return AlreadyExistsError(f"{what} is there already; PUT updates it", id=record.id)
