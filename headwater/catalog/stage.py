"""The stages that there are: those that ship, and those that administrators define."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from headwater.errors import AccessError, ConflictError, InvalidInputError
from headwater.schemas import Kind
from headwater.store.base import PageQuery, Record, Store
from headwater.store.draft import Actor, Change, Draft, load, same_version
from headwater.store.paging import every
from headwater.store.stage import (
    ARCHIVED,
    EXCLUSIVE,
    NAME,
    NONE,
    STAGES,
    find_own_stage,
    meant_stage,
    unknown_stage,
)

LATEST = "latest"
_RESERVED = (*STAGES, LATEST, "any")
"""What no stage can be called; `any` is what questions ask for that mean all."""


def is_listed(stage: str) -> bool:
    """Whether the summary of a model tells which versions are in it."""
    return stage not in (NONE, ARCHIVED)


def is_exclusive(store: Store, stage: str) -> bool:
    """Whether one version of a model has a stage to itself.

    Raises:
        InvalidInputError: There is no such stage.
    """
    if stage in STAGES:
        return stage in EXCLUSIVE
    own = find_own_stage(store, stage)
    if own is None:
        raise InvalidInputError.at("/stage", unknown_stage(store, stage))
    return bool(load(own).get("exclusive"))


def meant_stages(store: Store, words: Iterable[str], among: Iterable[Kind]) -> tuple[str, ...]:
    """The stages that are looked for, whatever case they are spelled in.

    Args:
        among: The kinds that are looked through. One of an organisation's own may have stages of
            its own, which nothing lists: then words are looked for as they are spelled, too.

    Raises:
        InvalidInputError: One is none; the message names those there are.
    """
    if any("stage" in each.shape.fields and each.name != "modelVersion" for each in among):
        return tuple(dict.fromkeys(each for word in words for each in (word, word.lower())))
    return tuple(dict.fromkeys(meant_stage(store, word) for word in words))


def check_listed(store: Store, stage: str) -> None:
    """Refuse a stage that there is not, and ``none``, which is where versions begin.

    Raises:
        InvalidInputError: It is such a one.
    """
    if stage == NONE:
        raise InvalidInputError.at("/stage", "none is no stage to be in")
    is_exclusive(store, stage)


def check_stage(
    store: Store, change: Change, stored: Record | None, draft: Draft, actor: Actor
) -> None:
    """Leave stages to admins, and hold their names to what selectors understand.

    Raises:
        AccessError: The actor is no admin.
        InvalidInputError: The name cannot be a stage's.
        ConflictError: The stage has another name already, or is to go while versions are in it;
            or a version has the name, or an alias that is called so.
    """
    if actor.role != "admin":
        raise AccessError(f"only admins define stages; the role of this token is {actor.role}")
    if not NAME.fullmatch(change.name) or change.name in _RESERVED:
        raise InvalidInputError.at(
            "/name",
            f"{change.name!r} cannot be a stage: lower-case letters, digits, _ and -, a letter"
            f" first, and none of {', '.join(_RESERVED)}",
        )
    if stored and stored.fqn != change.fqn:
        raise ConflictError(f"stage {stored.name!r} keeps its name; define another one")
    if change.after.get("deleted") and stored:
        check_empty(store, stored)
    elif stored is None or stored.deleted:
        for _, what in hidden_by(store, {change.name}):
            raise ConflictError(
                f"a stage {change.name!r} would hide {what}; choose another name for the stage, or"
                " give that another first"
            )
        warn_restorers(store, {change.name}, draft)


def check_empty(store: Store, stage: Record) -> None:
    """Refuse that a stage goes while versions are in it.

    Raises:
        ConflictError: Some are.
    """
    query = PageQuery("modelVersion", 1, filters={"stage": (stage.name,)})
    if found := store.page(query):
        raise ConflictError(
            f"modelVersion {found[0].fqn!r} is in stage {stage.name!r}; move it first"
        )


Found = tuple[str, str]
"""A word, in lower case, by which a version is found, and what that is."""


def found_by(record: Record) -> Iterator[Found]:
    """The words by which versions are found: the name of a version, the aliases of a model."""
    if record.kind == "modelVersion":
        yield record.name.lower(), f"modelVersion {record.fqn!r}"
    elif record.kind == "mlmodel":
        for each in load(record).get("lifecycle", {}).get("aliases", ()):
            alias = each["alias"]
            yield alias.lower(), f"the alias {alias!r} of mlmodel {record.fqn!r}"


def hidden_by(store: Store, stages: Collection[str]) -> Iterator[Found]:
    """What of a store would not be found any more with stages of these names."""
    for kind in ("mlmodel", "modelVersion"):
        for record in every(store, kind):
            yield from (found for found in found_by(record) if found[0] in stages)


def warn_restorers(store: Store, stages: Collection[str], draft: Draft) -> None:
    """Write, as it is, what is soft-deleted and new stages would hide, in the stages' commit.

    Who restores it meanwhile has read another rev then, looks again, and sees the stage.
    """
    written = {write.id for write in draft.entities}
    hidden = [
        record.id
        for kind in ("mlmodel", "modelVersion")
        for record in every(store, kind, deleted="only")
        if record.id not in written and any(word in stages for word, _ in found_by(record))
    ]
    for record in (store.find_many(hidden) if hidden else {}).values():
        if record.deleted:
            draft.entities.append(same_version(record, load(record)))


def check_seen(store: Store, found: Iterable[Found], *, since: int = 0) -> None:
    """Refuse to bring back what would be hidden by a stage that was not there yet at a commit.

    Raises:
        ConflictError: One would.
    """
    for word, what in found:
        own = find_own_stage(store, word)
        then = store.find(own.id, as_of=since) if own else None
        if own and (then is None or then.deleted):
            raise ConflictError(
                f"a stage {own.name!r} would hide {what}, which was deleted when the stage was"
                " defined; delete the stage first"
            )
