"""The catalog: create, change, read and browse entities of every kind."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.catalog.diff import diff, grouped
from headwater.catalog.merge import with_peoples_words, without_nulls
from headwater.catalog.patch import apply_patch
from headwater.catalog.validation import check_request
from headwater.catalog.write import Derive, Prepared, WritePath, locate
from headwater.errors import (
    AlreadyExistsError,
    ConflictError,
    HeadwaterError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    StaleWriteError,
)
from headwater.schemas import Kind, kind
from headwater.store.base import Deleted, Key, PageQuery, Record, Store
from headwater.store.draft import Actor, Document, Draft, load, until_current

BUILT_IN = ("mlmodelService", {"name": "headwater", "serviceType": "CustomMlModel"})


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left. ``document`` is the JSON text that reads answer from now on."""

    id: str
    kind: str
    fqn: str
    version: str
    rev: int
    document: str
    created: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. ``after`` is the cursor of the next one, None on the last."""

    records: list[Record]
    after: str | None
    total: int | None


@dataclass(slots=True)
class BulkResult:
    """Outcome of a bulk write, item by item.

    Attributes:
        failed: ``{index, name, code, message, errors?}`` for each item that was left out.
    """

    written: list[Written] = field(default_factory=list)
    failed: list[Document] = field(default_factory=list)


class CatalogService:
    """Everything that changes or reads entities goes through here.

    Unconditional writes that meet another writer are applied again to what that one left.
    """

    def __init__(self, store: Store, *, derive: Derive = lambda *_: None) -> None:
        self._store = store
        self._path = WritePath(store, derive)

    def ensure_built_in(self) -> None:
        """Create the service that models belong to when none is named."""
        name, body = BUILT_IN
        if self._store.find((name, body["name"])) is None:
            self.put(name, body, actor=Actor("headwater", "bot", "headwater"))

    # Writes

    def create(self, kind_name: str, body: Any, *, actor: Actor) -> Written:
        """Create an entity.

        Raises:
            InvalidInputError: The request is not valid, or a reference does not resolve.
            AlreadyExistsError: The FQN is taken, if only by a soft-deleted entity.
        """
        which = kind(kind_name)

        def attempt() -> Written:
            found = locate(self._store, which, check_request(which, body))
            if found.stored:
                raise _taken(found.stored)
            change = self._path.create(which, found)
            return self._commit(self._path.prepare(change, actor, stored=None), actor)

        return until_current(attempt)

    def put(
        self, kind_name: str, body: Any, *, actor: Actor, if_match: int | None = None
    ) -> Written:
        """Create an entity, or merge the request into the one of that name; revive a deleted one.

        Args:
            if_match: Rev that the entity must have.

        Raises:
            InvalidInputError: The request is not valid, or a reference does not resolve.
            PreconditionError: The entity has another rev.
        """
        which = kind(kind_name)

        def attempt() -> Written:
            prepared = self._prepare_put(which, body, actor, if_match)
            try:
                return self._commit(prepared, actor)
            except AlreadyExistsError as error:  # somebody else created it in between
                raise StaleWriteError(error.message, **error.details) from error

        return until_current(attempt)

    def put_bulk(self, kind_name: str, items: Sequence[Any], *, actor: Actor) -> BulkResult:
        """Put many entities of a kind; items that fail are reported, the others are written.

        The order of ``written`` is that of the items.
        """
        which, result = kind(kind_name), BulkResult()
        draft, pending = Draft(), list[tuple[int, Prepared]]()
        outcome: dict[int, Written] = {}

        def flush() -> None:
            nonlocal draft, pending
            try:
                draft.commit(self._store, actor)
                outcome.update({i: _written(p) for i, p in pending})
            except (StaleWriteError, AlreadyExistsError):
                for index, _ in pending:  # somebody wrote in between: one by one, with retries
                    one_by_one(index)
            draft, pending = Draft(), []

        def one_by_one(index: int) -> None:
            try:
                outcome[index] = self.put(which.name, items[index], actor=actor)
            except HeadwaterError as error:
                result.failed.append(_failure(index, items[index], error))

        for index, item in enumerate(items):
            try:
                prepared = self._prepare_put(which, item, actor, None)
                if _overlap(draft, prepared.draft):
                    flush()
                    prepared = self._prepare_put(which, item, actor, None)
            except HeadwaterError as error:
                result.failed.append(_failure(index, item, error))
                continue
            draft.merge(prepared.draft)
            pending.append((index, prepared))
        flush()
        result.failed.sort(key=lambda failure: int(failure["index"]))
        result.written = [outcome[index] for index in sorted(outcome)]
        return result

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
            _check_rev(stored, if_match)
            before = load(stored)
            patched = apply_patch(before, patch)
            after = self._checked(which, before, patched)
            change = self._path.change(which, stored, before, after)
            if actor.kind == "bot":
                change.after = with_peoples_words(
                    which.shape, before, after, origins=change.origins, actor=actor
                )
            return self._commit(self._path.prepare(change, actor, stored=stored), actor)

        return until_current(attempt)

    def delete(
        self,
        kind_name: str,
        key: Key,
        *,
        actor: Actor,
        recursive: bool = False,
        if_match: int | None = None,
    ) -> Written:
        """Soft-delete an entity, with everything below it when ``recursive``.

        Raises:
            NotFoundError: There is no such entity, or it is deleted already.
            ConflictError: It has children and ``recursive`` is not set.
        """

        def attempt() -> Written:
            stored = self.get(kind_name, key)
            _check_rev(stored, if_match)
            below = [r for r in self._store.descendants(stored.id) if not r.deleted]
            if below and not recursive:
                raise ConflictError(
                    f"{stored.kind} {stored.fqn!r} holds {len(below)} entities, such as "
                    f"{below[0].kind} {below[0].fqn!r}; they go with it in a recursive delete",
                    children=len(below),
                )
            return self._set_deleted([stored, *below], actor, deleted=True)

        return until_current(attempt)

    def restore(self, kind_name: str, entity_id: str, *, actor: Actor) -> Written:
        """Bring a soft-deleted entity back, with what was deleted together with it.

        Raises:
            NotFoundError: There is no such entity.
            ConflictError: It is not deleted, or its parent is.
        """

        def attempt() -> Written:
            stored = self.get(kind_name, entity_id, include_deleted=True)
            if not stored.deleted:
                raise ConflictError(f"{stored.kind} {stored.fqn!r} is not deleted")
            parent = self._store.find(stored.parent_id) if stored.parent_id else None
            if parent and parent.deleted:
                raise ConflictError(f"restore its parent first: {parent.kind} {parent.fqn!r}")
            below = self._store.descendants(stored.id)
            together = [r for r in below if r.deleted and r.seq == stored.seq]
            return self._set_deleted([stored, *together], actor, deleted=False)

        return until_current(attempt)

    # Reads

    def get(
        self,
        kind_name: str,
        key: Key,
        *,
        as_of: int | None = None,
        include_deleted: bool = False,
    ) -> Record:
        """Return an entity, now or after a commit.

        Raises:
            NotFoundError: There is none, it is of another kind, or it is soft-deleted.
        """
        found = self._store.find(key, as_of=as_of)
        if found is None or found.kind != kind_name or (found.deleted and not include_deleted):
            raise self._missing(kind_name, key, found, as_of)
        return found

    def list(
        self,
        kind_name: str,
        *,
        limit: int = 10,
        after: str | None = None,
        parent: Key | None = None,
        deleted: Deleted = "exclude",
        total: bool = False,
    ) -> Page:
        """Return one page of a kind's entities, ordered by FQN.

        Raises:
            InvalidInputError: ``after`` is not a cursor of a list.
            NotFoundError: The parent is not there.
        """
        which = kind(kind_name)
        parent_id = None
        if parent is not None:
            if which.parent_kind is None:
                raise InvalidInputError(f"a {which.name} has no parent to filter by")
            key = (which.parent_kind, parent) if isinstance(parent, str) else parent
            parent_id = self.get(which.parent_kind, key, include_deleted=True).id
        query = PageQuery(which.name, limit + 1, _cursor(after), parent_id, deleted)
        records = self._store.page(query)
        more = len(records) > limit
        records = records[:limit]
        next_after = _encode(records[-1].fqn) if more else None
        return Page(records, next_after, self._store.count(query) if total else None)

    def versions(
        self, kind_name: str, key: Key, *, limit: int = 100, before_rev: int | None = None
    ) -> Sequence[Record]:
        """Return the states that carried each version last, newest first.

        Args:
            before_rev: Rev of the last state of the page before.
        """
        entity = self.get(kind_name, key, include_deleted=True)
        start = before_rev + 1 if before_rev is not None else None  # that state's version is known
        latest: dict[str, Record] = {}
        while len(latest) <= limit:
            states = self._store.versions(entity.id, limit=limit + 1, before_rev=start)
            for state in states:
                latest.setdefault(state.version, state)
            if len(states) <= limit:
                break
            start = states[-1].rev  # a version may have more states than a page
        return [state for state in latest.values() if state.rev != before_rev][:limit]

    def get_version(self, kind_name: str, key: Key, version: str) -> Record:
        """Return an entity as it was in one version.

        Raises:
            NotFoundError: The entity never had that version; the message has the newest one.
        """
        entity = self.get(kind_name, key, include_deleted=True)
        found = self._store.find(entity.id, version=version)
        if found is None:
            raise NotFoundError(
                f"{kind_name} {entity.fqn!r} has no version {version!r}; "
                f"the newest is {entity.version}",
                version=version,
            )
        return found

    def diff(self, kind_name: str, key: Key, a: str, b: str) -> Document:
        """Return what changed from version ``a`` to version ``b`` of an entity."""
        which = kind(kind_name)
        old, new = self.get_version(kind_name, key, a), self.get_version(kind_name, key, b)
        changes = diff(which, load(old), load(new))
        return {
            "id": new.id,
            "kind": which.name,
            "fullyQualifiedName": new.fqn,
            "from": a,
            "to": b,
            "major": any(change.major for change in changes),
            **grouped(changes),
        }

    # Inside

    def _prepare_put(self, which: Kind, body: Any, actor: Actor, if_match: int | None) -> Prepared:
        found = locate(self._store, which, check_request(which, body))
        stored = found.stored
        _check_rev(stored, if_match)
        if stored is None:
            change = self._path.create(which, found)
        else:
            change = self._path.update(which, stored, found.request, actor)
        return self._path.prepare(change, actor, stored=stored)

    def _checked(self, which: Kind, before: Document, patched: Any) -> Document:
        """The patched document, valid, with the catalog's own fields as they were."""
        if not isinstance(patched, dict):
            raise InvalidInputError("the patch does not leave an object")
        fixed = [f.name for f in which.shape.fields.values() if f.read_only]
        fixed += ["name", *([which.parent.name] if which.parent else [])]
        for name in fixed:
            if patched.get(name) != before.get(name):
                raise InvalidInputError.at(f"/{name}", "is not changed by a patch")
        read_only = {f.name for f in which.shape.fields.values() if f.read_only}
        request = check_request(which, {n: v for n, v in patched.items() if n not in read_only})
        located = locate(self._store, which, request)
        kept = {name: before[name] for name in read_only if name in before}
        return {**kept, **without_nulls(which.shape, located.request)}

    def _set_deleted(self, records: Sequence[Record], actor: Actor, *, deleted: bool) -> Written:
        draft, first = Draft(), None
        for record in records:
            which, before = kind(record.kind), load(record)
            after = load(record)
            after.pop("deleted", None)
            if deleted:
                after["deleted"] = True
            change = self._path.change(which, record, before, after)
            prepared = self._path.prepare(change, actor, stored=record)
            first = first or prepared
            draft.merge(prepared.draft)
        assert first is not None  # noqa: S101  (records is never empty; tells the type checker)
        draft.commit(self._store, actor)
        return _written(first)

    def _commit(self, prepared: Prepared, actor: Actor) -> Written:
        prepared.draft.commit(self._store, actor)
        return _written(prepared)

    def _missing(
        self, kind_name: str, key: Key, found: Record | None, as_of: int | None
    ) -> NotFoundError:
        what = f"{kind_name} {key[1]!r}" if isinstance(key, tuple) else f"{kind_name} with id {key}"
        if found is not None and found.kind != kind_name:
            return NotFoundError(f"there is no {what}; that id is a {found.kind}")
        if found is not None:
            hint = "restore brings it back"
            return NotFoundError(f"{what} is deleted; {hint}", id=found.id, deleted=True)
        when = f" as of {as_of}" if as_of is not None else ""
        return NotFoundError(f"there is no {what}{when}")


def _check_rev(stored: Record | None, if_match: int | None) -> None:
    if if_match is None or (stored is not None and stored.rev == if_match):
        return
    if stored is None:
        raise PreconditionError("the entity is not there, so it cannot match", current=None)
    raise PreconditionError(
        f"{stored.kind} {stored.fqn!r} has changed: it is now at version {stored.version}",
        current=load(stored),
        rev=stored.rev,
    )


def _taken(record: Record) -> AlreadyExistsError:
    what = f"{record.kind} {record.fqn!r}"
    if record.deleted:
        how = "restore brings it back as it was, PUT revives it"
        return AlreadyExistsError(f"{what} is there, soft-deleted; {how}", id=record.id)
    return AlreadyExistsError(f"{what} is there already; PUT updates it", id=record.id)


def _written(prepared: Prepared) -> Written:
    write, stored = prepared.write, prepared.stored
    if write is not None:
        rev, created = write.expected_rev + 1, stored is None
        return Written(
            write.id, write.kind, write.fqn, write.version, rev, write.document, created, True
        )
    assert stored is not None  # noqa: S101  (a new entity is always written)
    return Written(
        stored.id, stored.kind, stored.fqn, stored.version, stored.rev, stored.document,
        created=False, changed=False,
    )  # fmt: skip


def _failure(index: int, item: Any, error: HeadwaterError) -> Document:
    name = item.get("name") if isinstance(item, dict) else None
    out = {"index": index, "name": name, "code": error.code, "message": error.message}
    return out | ({"errors": error.details["errors"]} if "errors" in error.details else {})


def _overlap(a: Draft, b: Draft) -> bool:
    """Whether two drafts write or depend on one entity, or on one name."""
    written, wanted = ({write.id for write in draft.entities} for draft in (a, b))
    names = {(write.kind, write.fqn) for write in a.entities}
    return (
        not written.isdisjoint(wanted | b.expects.keys())
        or not wanted.isdisjoint(a.expects)
        or any((write.kind, write.fqn) in names for write in b.entities)
    )


def _encode(fqn: str) -> str:
    return base64.urlsafe_b64encode(fqn.encode()).decode().rstrip("=")


def _cursor(after: str | None) -> str | None:
    if after is None:
        return None
    try:
        return base64.b64decode(
            after + "=" * (-len(after) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInputError("`after` is not a cursor that a list answered") from error
