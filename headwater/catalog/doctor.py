"""What is wrong with a store, or worth knowing of it: looked for, never mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from headwater.catalog.archive.snapshot import batches
from headwater.catalog.leftover import leftovers, misfits
from headwater.catalog.lifecycle import Summary
from headwater.catalog.service import CatalogService
from headwater.catalog.stage import LATEST
from headwater.catalog.tag import crowded
from headwater.catalog.token import TokenService
from headwater.names import child, escape
from headwater.schemas import is_same_everywhere, kind, kinds
from headwater.schemas.runtime import faults
from headwater.store.base import Deleted, Edge, Node, PageQuery, Record, StateRow, Store
from headwater.store.draft import load, now_ms
from headwater.store.paging import every
from headwater.store.stage import KIND as STAGE
from headwater.store.stage import STAGES

EXAMPLES = 10
"""How many of what a finding counts are named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for and found.

    Attributes:
        check: What was looked for, such as ``brokenLineage``.
        problem: Whether somebody should do something about it.
        text: What it is, and what to do.
    """

    check: str
    problem: bool
    count: int
    text: str
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What an examination found.

    Attributes:
        counts: How many entities of each kind are there, ``live`` and ``deleted``.
        findings: Problems first.
    """

    sequence: int
    counts: dict[str, dict[str, int]]
    findings: list[Finding]

    @property
    def healthy(self) -> bool:
        """Whether nothing needs somebody to do something."""
        return not any(finding.problem for finding in self.findings)

    def to_wire(self) -> dict[str, Any]:
        """The JSON form."""
        return {"healthy": self.healthy, **asdict(self)}


def examine(store: Store) -> Diagnosis:
    """Examine a store. One of an older layout is only found to be that."""
    if steps := store.migrate(dry_run=True):
        text = "the store has an older layout: `headwater migrate` brings it to this release's"
        return Diagnosis(0, {}, [Finding("layout", True, len(steps), text, steps)])
    findings = [found for check in _CHECKS for found in check(store)]
    findings.sort(key=lambda finding: not finding.problem)
    return Diagnosis(store.sequence(), _counts(store), findings)


def _counts(store: Store) -> dict[str, dict[str, int]]:
    counts = {
        name: {
            "live": store.count(PageQuery(name, 1)),
            "deleted": store.count(PageQuery(name, 1, deleted="only")),
        }
        for name in sorted(kinds())
    }
    return {name: found for name, found in counts.items() if any(found.values())}


def _broken_lineage(store: Store) -> Iterator[Finding]:
    gone = {record.id: f"{_spell(record)} (deleted)" for record in _entities(store, "only")}
    for part in cast(Iterator[Node], store.dump("parts")):
        if part.dropped or part.deleted:
            gone[part.id] = f"{_spell(part)} ({'dropped' if part.dropped else 'deleted'})"
    edges = [
        edge.key
        for edge in cast(Iterator[Edge], store.dump("edges"))
        if edge.closed_seq is None
        and edge.key.level != "suppressed"
        and edge.key.from_id in gone
        and edge.key.to_id not in gone
    ]
    if edges:
        ends = store.nodes(ids={key.to_id for key in edges[:EXAMPLES]})
        named = {node.id: _spell(node) for node in ends}
        shown = [f"{gone[key.from_id]} → {named[key.to_id]}" for key in edges[:EXAMPLES]]
        text = "edges lead from what is gone to what is still there: name another source, or"
        yield Finding("brokenLineage", True, len(edges), f"{text} restore the one there was", shown)


def _unresolved_sources(store: Store) -> Iterator[Finding]:
    waiting = [
        part.fqn
        for part in cast(Iterator[Node], store.dump("parts"))
        if part.kind == "featureSource" and not part.dropped and not part.deleted
    ]
    if waiting:
        text = "feature sources wait for a column that no table has yet"
        yield Finding("unresolvedSources", False, len(waiting), text, waiting[:EXAMPLES])


def _deleted_targets(store: Store) -> Iterator[Finding]:
    found = [
        (referrer, path, targets[target_id])
        for some in batches(_entities(store, "only"))
        for targets in [{target.id: target for target in some}]
        for target_id, referrer, path in store.referrers(targets)
    ]
    referring: dict[Any, Record] = {}
    for ids in batches(iter({referrer for referrer, _, _ in found})):
        referring |= store.find_many(ids)
    live = [
        f"{_spell(referring[referrer])} {path} → {_spell(target)}"
        for referrer, path, target in found
        if referrer in referring and not referring[referrer].deleted
    ]
    if live:
        text = "references point to entities that are deleted: restore these, or take them out"
        yield Finding("deletedTargets", True, len(live), text, live[:EXAMPLES])


def _production_without_lineage(store: Store) -> Iterator[Finding]:
    bare: list[str] = []
    serving = (
        record
        for record in every(store, "mlmodel")
        if load(record).get("lifecycle", {}).get("serving")
    )
    for models in batches(serving):
        ids = [model.id for model in models]
        fed = {
            node
            for level in ("coarse", "fine")
            for node, degree in store.degrees(ids, "upstream", level).items()
            if degree
        }
        bare += [_spell(model) for model in models if model.id not in fed]
    if bare:
        text = "models are in production and nobody knows what feeds them"
        yield Finding("productionWithoutLineage", True, len(bare), text, bare[:EXAMPLES])


def _unknown_stages(store: Store) -> Iterator[Finding]:
    known = {*STAGES, *(record.name for record in every(store, STAGE))}
    lost = [
        f"{_spell(version)} ({stage})"
        for version in every(store, "modelVersion")
        if (stage := load(version)["stage"]) not in known
    ]
    if lost:
        text = "versions are in stages that nobody defined: define these, or move the versions"
        yield Finding("unknownStages", True, len(lost), text, lost[:EXAMPLES])


def _misplaced(store: Store) -> Iterator[Finding]:
    """What earlier releases let be made below an entity that was being renamed."""
    found = list[str]()
    for some in batches(record for record in _entities(store, "include") if record.parent_id):
        parents = store.find_many({str(record.parent_id) for record in some})
        for record in some:
            parent = parents.get(str(record.parent_id))
            if parent and record.fqn != (fqn := child(parent.fqn, record.name)):
                found.append(f"{_spell(record)} → {fqn}")
    if found:
        text = "entities have an FQN that is not their parent's with their name: rename each to the"
        text += " name that it has, which gives it the right one"
        yield Finding("misplacedNames", True, len(found), text, found[:EXAMPLES])


def _hidden_names(store: Store) -> Iterator[Finding]:
    stages = {LATEST, *STAGES, *(record.name for record in every(store, STAGE))}
    hidden, aliases = list[str](), dict[str | None, dict[str, Any]]()
    for model in every(store, "mlmodel"):
        summary = Summary(load(model))
        aliases[model.id] = summary.aliases
        for alias, holder in summary.aliases.items():
            held = summary.held(alias.lower())
            if alias.lower() in stages and not (held and held[-1]["id"] == holder["id"]):
                hidden.append(f"alias {alias!r} of {_spell(model)} (a stage)")
    for version in every(store, "modelVersion"):
        named = aliases.get(version.parent_id, {}).get(version.name)
        if version.name.lower() in stages:
            hidden.append(f"{_spell(version)} (a stage)")
        elif named and named["id"] != version.id and not version.name.isdecimal():
            hidden.append(f"{_spell(version)} (an alias)")
    if hidden:
        text = "names and aliases of versions find another version, for a stage or an alias has the"
        yield Finding("hiddenNames", False, len(hidden), f"{text} same word", hidden[:EXAMPLES])


def _crowded_tags(store: Store) -> Iterator[Finding]:
    exclusive = {
        each.fqn: each.id
        for each in every(store, "classification")
        if load(each).get("mutuallyExclusive")
    }
    tags = [tag.id for id_ in exclusive.values() for tag in every(store, "tag", parent_id=id_)]
    carriers = {carrier for _, carrier, _ in store.referrers(tags)}
    found = [
        f"{_spell(record)} {where}"
        for ids in batches(iter(sorted(carriers)))
        for record in store.find_many(ids).values()
        if not record.deleted and record.kind in kinds()
        for where in crowded(kind(record.kind).shape, load(record), exclusive)
    ]
    if found:
        text = "tags stand together that exclude each other since their classification is"
        text += " mutually exclusive: take out all but one"
        yield Finding("exclusiveTags", True, len(found), text, sorted(found)[:EXAMPLES])


def _expired_tokens(store: Store) -> Iterator[Finding]:
    now = now_ms()
    tokens = TokenService(store, CatalogService(store)).list()
    expired = sum(
        not token.revoked_at and token.expires_at is not None and token.expires_at <= now
        for token in tokens
    )
    if expired:
        text = "tokens have expired and let nobody in: `headwater token list` names them"
        yield Finding("expiredTokens", False, expired, text)


def _dropped_events(store: Store) -> Iterator[Finding]:
    oldest = store.events(limit=1)
    if oldest and oldest[0].number > 1:
        dropped = oldest[0].number - 1
        text = f"events were dropped by the retention; the oldest kept has number {dropped + 1}"
        yield Finding("droppedEvents", False, dropped, text)


def _schemas(store: Store) -> Iterator[Finding]:
    """What the schema files in use do not know, or do not accept."""
    lost, unknown, refused = Counter[str](), list[str](), list[str]()
    for row in cast(Iterator[StateRow], store.dump("states")):
        record = row.record
        if row.references is None:  # a past state
            continue
        if record.kind not in kinds():
            lost[record.kind] += 1
        elif not is_same_everywhere(which := kind(record.kind)) or '"extension"' in record.document:
            document = load(record)
            left = [
                "".join(f"/{escape(step)}" for step in place)
                for place in leftovers(which, document, document)
            ]
            found = dict(misfits(which.shape, document))
            found |= {each["pointer"]: each["message"] for each in faults(which.file, "", document)}
            wrong = [f"{at} {message}" for at, message in found.items() if at not in left]
            unknown += [f"{_spell(record)} {', '.join(left)}"] if left else []
            refused += [f"{_spell(record)} {', '.join(wrong)}"] if wrong else []
    if lost:
        text = "entities are of kinds that no schema describes, so none is answered: name the"
        text += " folder of your schema files (HEADWATER_SCHEMAS), or put the file back"
        shown = [f"{name} ({count})" for name, count in sorted(lost.items())]
        yield Finding("unknownKinds", True, lost.total(), text, shown[:EXAMPLES])
    if refused:
        text = "entities are not as the schema of their kind wants them by now: the next patch of"
        text += " one has to mend that, or a put that says what it names"
        yield Finding("refusedBySchema", True, len(refused), text, sorted(refused)[:EXAMPLES])
    if unknown:
        text = "entities hold values that the schema of their kind no longer knows: describe them"
        text += " again, or take them out by a patch"
        yield Finding("unknownValues", False, len(unknown), text, sorted(unknown)[:EXAMPLES])


_CHECKS: tuple[Callable[[Store], Iterator[Finding]], ...] = (
    _broken_lineage,
    _unresolved_sources,
    _deleted_targets,
    _production_without_lineage,
    _unknown_stages,
    _misplaced,
    _hidden_names,
    _crowded_tags,
    _expired_tokens,
    _dropped_events,
    _schemas,
)


def _entities(store: Store, deleted: Deleted) -> Iterator[Record]:
    for name in sorted(kinds()):
        yield from every(store, name, deleted=deleted)


def _spell(node: Record | Node) -> str:
    return f"{node.kind}:{node.fqn}"
