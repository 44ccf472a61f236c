"""What a source no longer has: soft-deleted, when that is certain enough.

Only within what a run enumerated to the end, only what this producer created, not more than a
fifth of it unless that is allowed, and never while another run of the source is at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater import names
from headwater.connectors.report import ARCHIVED, Planned
from headwater.errors import ConflictError, NotFoundError
from headwater.schemas import kind as kind_of
from headwater.schemas import kinds
from headwater.sdk.entities import ListOptions

if TYPE_CHECKING:
    from headwater.connectors.run import Run

MOST = 0.2
"""The share of a kind's entities that may vanish at once."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a run has seen every entity of a kind: below ``within``, or everywhere.

    Attributes:
        within: FQN of their parents, or of the service that they all belong to.
    """

    kind: str
    within: str | None


def delete_vanished(run: Run) -> None:
    """Soft-delete what the source no longer has, or note why not.

    What stands below goes first: scopes are taken from the last to the first.
    """
    if not run.report.found:
        return  # a run that sees nothing proves nothing
    kinds: dict[str, list[Scope]] = {}
    for scope in reversed(run.scopes):
        kinds.setdefault(scope.kind, []).append(scope)
    for kind, scopes in kinds.items():
        found = (entity for scope in scopes for entity in _entities(run, scope))
        known = [e for e in found if not run.has_brought(kind, e["fullyQualifiedName"])]
        gone = [e for e in known if not run.has_seen(kind, e["fullyQualifiedName"])]
        own = [entity for entity in gone if _is_own(run, kind, entity)]
        if own and _may_delete(run, kind, len(own), len(known)):
            for entity in own:
                _delete(run, kind, entity)


def _entities(run: Run, scope: Scope) -> Iterator[dict[str, Any]]:
    """The live entities of a scope: id and FQN at least."""
    above: ListOptions = {}
    if scope.within is not None:
        at_root = kind_of(kind_of(scope.kind).parent_kind or scope.kind).parent is None
        service, *below = names.split(scope.within)
        above = {"parent": scope.within} if at_root or below else {"service": service}
    try:
        fields = ["stage"] if scope.kind == "modelVersion" else ["name"]
        yield from run.hw.rows(scope.kind, fields, **above)
    except NotFoundError:  # a preview may speak of places that are not there yet
        return


def _is_own(run: Run, kind: str, entity: dict[str, Any]) -> bool:
    """Whether this producer created an entity."""
    origins = run.hw.provenance(entity["id"], kind=kind)
    return any(o["field"] == "" and o.get("producer") == run.producer for o in origins)


def _may_delete(run: Run, kind: str, gone: int, known: int) -> bool:
    if gone > MOST * known and not run.options.allow_deletes:
        run.note(
            f"{gone} of {known} {kind} entities are no longer in the source, which is more than"
            f" {MOST:.0%}: none was deleted; --allow-deletes deletes them"
        )
        return False
    if not run.options.preview and run.log.overlaps():
        run.note(
            f"{gone} {kind} entities are no longer in the source; another run was at work"
            " meanwhile, so none was deleted: the next run does"
        )
        return False
    return True


def _delete(run: Run, kind: str, entity: dict[str, Any]) -> None:
    fqn = entity["fullyQualifiedName"]
    delete = _plan if run.options.preview else _do
    try:
        delete(run, kind, entity)
    except ConflictError as error:
        run.note(f"{kind} {fqn} is no longer in the source, and stays: {error.message}")
    except NotFoundError:
        return  # somebody else was faster
    else:
        run.report.deleted += 1


def _do(run: Run, kind: str, entity: dict[str, Any]) -> None:
    run.hw.delete(entity["id"], kind=kind)
    fqn = entity["fullyQualifiedName"]
    run.log.add("info", f"deleted {kind} {fqn}: it is no longer in the source")


def _plan(run: Run, kind: str, entity: dict[str, Any]) -> None:
    """Note what a run would delete.

    Raises:
        ConflictError: It would be refused, after all that is planned before.
    """
    fqn, planned = entity["fullyQualifiedName"], run.report.planned
    for below in (each.name for each in kinds().values() if each.parent_kind == kind):
        held = {each["fullyQualifiedName"] for each in run.hw.rows(below, ["name"], parent=fqn)}
        if held:
            held -= {each.name for each in planned if each.action == "delete"}
        if held:
            raise ConflictError(f"it holds {below} {min(held)!r}")
    if entity.get("stage") == "production" and not any(
        each.name == fqn and ARCHIVED in each.fields for each in planned
    ):
        raise ConflictError("it is in production")
    planned.append(Planned("delete", kind, fqn))
