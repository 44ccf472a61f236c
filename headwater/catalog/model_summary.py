"""What a write of a version does to its model: numbers, the summary, and the values it serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator
from typing import TYPE_CHECKING

from headwater.catalog.lifecycle import PROJECTED, Summary, changed_projection, pointer, project
from headwater.catalog.origin import hand_back
from headwater.catalog.same import same
from headwater.catalog.stage import check_seen, is_listed
from headwater.catalog.version_number import check_not_hidden, new_number
from headwater.errors import ConflictError, InvalidInputError, StaleWriteError
from headwater.schemas import kind
from headwater.store.base import Entry, EntryWrite, EventWrite, Record, Store
from headwater.store.draft import (
    Actor,
    Change,
    Document,
    Draft,
    dump,
    load,
    now_ms,
    same_version,
)
from headwater.store.stage import NONE

if TYPE_CHECKING:
    from headwater.catalog.write import WritePath

KIND = "modelVersion"
MODEL = "mlmodel"
PROMOTION = "promotion"
"""The producer of what a promotion sets of a model."""


def complete(store: Store, path: WritePath, change: Change, draft: Draft, actor: Actor) -> None:
    """Number a new version, and let its model know of it, or follow it when it is served.

    Raises:
        InvalidInputError: The version's name is a stage, ``latest``, or another number.
        ConflictError: It is an alias of another version; or a stage hides a version that returns.
        StaleWriteError: The model is gone.
    """
    if change.follows:
        return
    model = model_of(store, change.parent_id)
    summary, version = Summary(load(model)), change.after
    if change.before is None:
        last = summary.last_number
        try:
            number = new_number(store, model.id, change.name, last=last, actor=actor)
        except InvalidInputError as error:
            if store.find((KIND, change.fqn)) is None:
                raise
            raise StaleWriteError("the version was made meanwhile", name=change.name) from error
        check_not_hidden(change.name, summary.aliases, change.id)
        version |= {"number": number, "stage": "none", "aliases": [], "id": change.id}
        data = dump({"id": change.id})
        draft.entries.append(EntryWrite(model.id, KIND, str(number), now_ms(), data))
    if version.get("deleted"):
        return
    if change.before and change.before.get("deleted"):  # what it had may be another's by now
        check_seen(store, [(change.name.lower(), f"{KIND} {change.fqn!r}")])
        if is_listed(version["stage"]):
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
    change = path.change(
        kind(model.kind), model, before, {**before, "lifecycle": summary.as_json()}
    )
    was, served = Summary(before).serving, summary.serving
    if was and not served:  # the fields are ordinary again, and nobody's
        change.origins = hand_back(change.origins, PROMOTION, actor)
    elif served and (version := _newly_served(store, was, served, serving)):
        by_promotion = Actor(actor.name, "bot", PROMOTION, role=actor.role)
        change.after = project(
            change.kind.shape, change.after, version, origins=change.origins, actor=by_promotion
        )
        if not all(same(before.get(name), change.after.get(name)) for name in PROJECTED):
            change.follows = True
            draft.merge(path.prepare(change, by_promotion, stored=model).draft)
            return
    if same(before.get("lifecycle"), change.after["lifecycle"]):
        draft.depend_on({model.id: model.rev})
    else:  # the summary is no version, and nothing follows from it
        draft.entities.append(same_version(model, change.after, origins=dump(change.origins)))


def _newly_served(
    store: Store, was: Document | None, served: Document, written: Document | None
) -> Document | None:
    """The document of the version served, unless the model has its values already."""
    if written and written["id"] == served["id"]:
        return written
    record = None if was and was["id"] == served["id"] else store.find(served["id"])
    return load(record) if record else None


def forget(
    store: Store, path: WritePath, version: Record, draft: Draft, actor: Actor, *, force: bool
) -> None:
    """Take a version that is deleted or erased out of its model's summary.

    Raises:
        ConflictError: It is in production, or has a protected alias, and that is not forced.
    """
    model = model_of(store, version.parent_id)
    summary = Summary(load(model))
    serves = any(each["id"] == version.id for each in summary.held("production"))
    if serves and not force:
        raise _in_production(f"modelVersion {version.fqn!r}")
    kept = [alias for alias in summary.aliases_of(version.id) if alias in summary.protected]
    if kept and not force:
        raise ConflictError(
            f"modelVersion {version.fqn!r} has the alias {kept[0]!r}, which is protected; move it"
            " first, or force the deletion"
        )
    draft.entries += _left(model.id, summary, {version.id})
    is_latest = (summary.latest or {}).get("id") == version.id
    newest = newest_version(store, model, lambda v: v["id"] != version.id) if is_latest else None
    summary.drop(version.id, latest=newest)
    write_model(store, path, model, summary, draft, actor)


def check_unused(models: Iterable[Record]) -> None:
    """Refuse that models go which have a version in production.

    Raises:
        ConflictError: One has; it is named.
    """
    for model in models:
        if model.kind == MODEL and not model.deleted and (served := Summary(load(model)).serving):
            raise _in_production(f"version {served['name']!r} of mlmodel {model.fqn!r}")


def _in_production(what: str) -> ConflictError:
    return ConflictError(
        f"{what} is in production; move it to another stage first, or force the deletion"
    )


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
        (each, {"from": stage, "to": NONE})
        for stage in summary.stages
        for each in summary.held(stage)
    ] + [(each, {"alias": alias, "from": alias}) for alias, each in summary.aliases.items()]
    for each, about in moves:
        if version_ids is None or each["id"] in version_ids:
            about = {"number": each["number"], "name": each["name"], **about, "reason": "deleted"}
            yield EntryWrite(model_id, "lifecycle", each["id"], now_ms(), dump(about))


def model_of(store: Store, model_id: str | None) -> Record:
    """The model of a version.

    Raises:
        StaleWriteError: It is gone.
    """
    model = store.find(str(model_id))
    if model is None:
        raise StaleWriteError("the model of a version is gone", id=model_id)
    return model


def newest_version(
    store: Store, model: Record, fits: Callable[[Document], bool], *, as_of: int | None = None
) -> Document | None:
    """The version of a model with the highest number of those that fit."""
    before: int | None = None
    while entries := store.entries(
        entity_ids=[model.id], types=[KIND], before=before, as_of=as_of, limit=100
    ):
        ids = [data_of(entry)["id"] for entry in entries]
        found = store.find_many(ids, as_of=as_of)
        live = [load(found[id_]) for id_ in ids if id_ in found and not found[id_].deleted]
        if version := next(filter(fits, live), None):
            return pointer(version)
        before = entries[-1].number
    return None


def note_move(
    draft: Draft, model: Record, version: Record, document: Document, about: Document, when: int
) -> None:
    """Add a version's new state and a lifecycle record of it to a draft."""
    draft.entities.append(same_version(version, document))
    data = {name: document[name] for name in ("number", "name")} | about
    draft.entries.append(EntryWrite(model.id, "lifecycle", version.id, when, dump(data)))


def stage_event(what: str, version: Record, about: Document) -> EventWrite:
    """The event of a move, or of an alias."""
    return EventWrite(what, version.id, version.kind, version.fqn, version.version, dump(about))


def data_of(entry: Entry) -> Document:
    """What a record says, parsed."""
    data: Document = json.loads(entry.data)
    return data
