"""The oracle: what each write must do to the catalog, by its documentation alone.

A method does what the catalog's does, or raises ``Refused`` with the code of the refusal and leaves
the state half changed: the caller writes to a copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from tests.parity.state import (
    LISTED,
    Edge,
    Entity,
    Featured,
    Features,
    Model,
    ModelVersion,
    Node,
    Refused,
    Source,
    State,
    Table,
    Tie,
    counted,
)

DERIVED, FROZEN = "featureSources", "frozen"
PERSON = "person"
Columns = tuple[tuple[str, str], ...]


class Assertion(NamedTuple):
    """A request: one node feeds another, and these columns do (paths, near and far)."""

    start: Node
    end: Node
    pairs: tuple[tuple[str, str], ...] = ()
    description: str | None = None


class Oracle(State):
    """A state that can be written to."""

    # Tables and models

    def put_table(self, new_id: str, schema: str, name: str, columns: Columns, **words: Any) -> str:
        """A machine puts a table; ``words`` may hold a description."""
        old = self.named("table", schema, name)
        base = old or Table(id=new_id, kind="table", name=name, parent=schema)
        assert isinstance(base, Table)
        self._keep(old, replace(_described(base, words), columns=columns, deleted=0))
        self._resolve_waiting(base.id)
        return base.id

    def put_model(self, new_id: str, name: str, algorithm: str, **fields: Any) -> str:
        """A machine puts a model; ``fields`` may hold features and a description."""
        old = self.named("mlmodel", "", name)
        base = old or Model(id=new_id, kind="mlmodel", name=name)
        assert isinstance(base, Model)
        self._check_tables(base, fields.get("features"))
        new = replace(
            _described(base, fields),
            algorithm=algorithm,
            features=fields.get("features", base.features),
        )
        if base.deleted:  # its versions stay deleted, and serve it no more
            new = replace(new, deleted=0, latest=None, staging=(), production=())
        elif base.serving and (new.algorithm, new.features) != (base.algorithm, base.features):
            raise Refused("conflict")
        self._keep(old, new)
        return base.id

    def patch(self, entity_id: str, **fields: Any) -> None:
        """A person sets fields."""
        old = self.live(entity_id)
        new = replace(old, **fields)
        if "description" in fields and fields["description"] != old.description:
            new = replace(new, by_person=True)
        if isinstance(old, Model) and old.serving and fields.get("algorithm", "") not in (
            "", old.algorithm
        ):  # fmt: skip
            raise Refused("conflict")
        self._keep(old, new)
        if isinstance(new, Table):
            self._resolve_waiting(new.id)

    def rename(self, entity_id: str, name: str) -> None:
        old = self.live(entity_id)
        taken = self.named(old.kind, old.parent, name)
        if taken and taken.id != old.id:
            raise Refused("already-exists")
        self._keep(old, replace(old, name=name))

    # Model versions

    def put_version(self, new_id: str, model_id: str, name: str, **fields: Any) -> str:
        """A machine puts a version; ``fields`` may hold algorithm and features."""
        model, old = self.entities[model_id], self.named("modelVersion", model_id, name)
        if model.deleted:
            raise Refused("invalid-input")
        assert isinstance(model, Model)
        number = model.last + 1
        base = old or ModelVersion(
            id=new_id, kind="modelVersion", name=name, parent=model_id, number=number
        )
        assert isinstance(base, ModelVersion)
        self._check_tables(base, fields.get("features"))
        new = replace(base, **fields, deleted=0)
        if base.deleted and base.stage in LISTED:
            new = replace(new, stage=model.stage_of(base.id))
        if base.frozen and set(new.sources) != base.frozen.keys():
            raise Refused("conflict")
        self.entities[base.id] = new = counted(base, new) if old else new  # type: ignore[assignment]
        if not base.frozen:
            self._freeze(new)
        self._resolve_version(new.id)
        self._sum_up(model, new.id)
        return base.id

    def set_stage(
        self, version_id: str, stage: str, *, exclusive: bool | None, force: bool
    ) -> None:
        version = self.live(version_id)
        model = self.live(version.parent)
        assert isinstance(version, ModelVersion)
        assert isinstance(model, Model)
        others = [each for each in getattr(model, stage, ()) if each != version_id]
        moved = others if stage in LISTED and exclusive is not False else []
        if moved and not force:
            raise Refused("conflict")
        serves = stage != "production" or model.serving == version_id
        if version.stage == stage and serves and not moved:
            return
        new = model
        for each, to in [*((other, "archived") for other in moved), (version_id, stage)]:
            new = new.placed(each, to)
            self.entities[each] = replace(self.entities[each], stage=to)  # type: ignore[call-arg]
        self._follow(model, new)

    # Deleting

    def delete(self, entity_id: str, *, recursive: bool, force: bool) -> None:
        old = self.live(entity_id)
        below = [each for each in self.versions_of(entity_id) if not each.deleted]
        if below and not recursive:
            raise Refused("conflict")
        if not force:
            self._check_unused(old)
        if isinstance(old, ModelVersion):
            self._forget(old)
        self.deletions += 1
        for each in (old, *below):
            self._keep(each, replace(each, deleted=self.deletions))

    def restore(self, entity_id: str) -> None:
        """What was deleted together comes back together."""
        old = self.entities.get(entity_id)
        if old is None:
            raise Refused("not-found")
        parent = self.entities.get(old.parent)
        if not old.deleted or (parent and parent.deleted):
            raise Refused("conflict")
        together = [each for each in self.versions_of(entity_id) if each.deleted == old.deleted]
        if isinstance(old, ModelVersion):
            together = [old]
        else:
            self._keep(old, replace(old, deleted=0))
        for version in together:
            model = self.entities[version.parent]
            assert isinstance(model, Model)
            stage = model.stage_of(version.id) if version.stage in LISTED else version.stage
            self._keep(version, replace(version, deleted=0, stage=stage))
            self._resolve_version(version.id)
            self._sum_up(model, version.id)

    def erase(self, entity_id: str, *, recursive: bool, force: bool) -> set[str]:
        """Returns the ids of what is gone."""
        old = self.entities.get(entity_id)
        if old is None:
            raise Refused("not-found")
        below = self.versions_of(entity_id)
        gone = {old.id, *(each.id for each in below)}
        referring = [
            each
            for each in self.entities.values()
            if each.id not in gone and any(source.table in gone for _, source in each.sources)
        ]
        if (below and not recursive) or (referring and not force):
            raise Refused("conflict")
        if not force:
            self._check_unused(old)
        if isinstance(old, ModelVersion):
            self._forget(old)
        for each in referring:
            assert isinstance(each, Featured)
            self._take_out(each, gone)
        left = self.without(gone)
        self.entities, self.edges, self.names = left.entities, left.edges, left.names
        self.suppressed = left.suppressed
        return gone

    # Edges

    def put_edge(self, asked: Assertion, *, writer: str, source: str = "manual") -> None:
        self._check_ends(asked)
        wanted = _asserted(asked, source, writer)
        pairs = {edge.pair for edge in wanted}
        if writer != PERSON:
            wanted = self._allowed(asked, wanted)
        for edge in self._between(asked.start, asked.end):
            if (edge.source, edge.producer) == (source, writer) and edge not in wanted:
                del self.edges[edge]
        self.edges |= wanted
        if writer == PERSON:
            self.suppressed -= pairs

    def delete_edge(self, start: Node, end: Node, *, writer: str) -> None:
        """A person takes away all, and machines do not say it again; a machine, its own."""
        held = self._between(start, end)
        if held and all(edge.source == FROZEN for edge in held):
            raise Refused("conflict")
        held = [
            edge
            for edge in held
            if edge.source != FROZEN and (writer == PERSON or edge.producer == writer)
        ]
        if not held:
            raise Refused("not-found")
        for edge in held:
            del self.edges[edge]
        if writer == PERSON:
            self.suppressed |= {edge.pair for edge in held if edge.producer != PERSON}

    def replace_edges(self, asked: Iterable[Assertion], *, writer: str) -> None:
        """All that a machine says, in place of what it said; of two nodes, what names them wins."""
        wanted: dict[Edge, str | None] = {}
        named: dict[Edge, str | None] = {}
        for each in asked:
            self._check_ends(each)
            allowed = self._allowed(each, _asserted(each, "manual", writer))
            wanted |= allowed
            named |= {e: d for e, d in allowed.items() if e.pair == (each.start, each.end)}
        self.edges = {e: d for e, d in self.edges.items() if e.producer != writer}
        self.edges |= wanted | named

    def add_lineage(self, model_id: str) -> None:
        """Derive a model's edges, those too that a person took away."""
        model = self.live(model_id)
        assert isinstance(model, Model)
        lifted = {(Node("mlFeature", model_id, each), model.node) for each in model.features or {}}
        for feature, source in model.sources:
            end = Node("mlFeature", model_id, feature)
            lifted |= {(near, end) for near in _ways(model_id, feature, source)}
            if source.table:
                lifted.add((Node("table", source.table), model.node))
        self.suppressed -= lifted
        self._keep(model, model)

    # Inside

    def _keep(self, old: Entity | None, new: Entity) -> None:
        """Put a new state in the place of the old, and what follows from it."""
        new = counted(old, new) if old else new
        self.entities[new.id] = new
        if isinstance(new, Table):
            self.columns[new.id] = self.columns.get(new.id, frozenset()) | dict(new.columns).keys()
        elif isinstance(new, Model):
            known = old.tied if isinstance(old, Model) else frozenset()
            self.entities[new.id] = new = replace(new, tied=self._ties(new, known))
            self._derive(new)

    def _ties(self, entity: Featured, known: frozenset[Tie]) -> frozenset[Tie]:
        """The sources that are tied: those that were, and those whose table had that column."""
        return frozenset(
            (feature, source)
            for feature, source in entity.sources
            if (feature, source) in known
            or (source.table and source.name in self.columns.get(source.table, ()))
        )

    def _derive(self, model: Model) -> None:
        producer = f"entity:{model.id}"
        self.edges = {
            e: d for e, d in self.edges.items() if (e.source, e.producer) != (DERIVED, producer)
        }
        wanted = {
            (Node("mlFeature", model.id, name), model.node, "fine") for name in model.features or {}
        }
        for tie in model.sources:
            wanted |= self._derived(model, tie)
        for start, end, level in wanted:
            if (start, end) not in self.suppressed:
                self.edges[Edge(start, end, level, DERIVED, producer)] = None

    def _derived(self, model: Model, tie: Tie) -> set[tuple[Node, Node, str]]:
        """What a source says, but for what a person took away: its table's, or while it waited."""
        feature, source = tie
        end, (waiting, column) = Node("mlFeature", model.id, feature), _ways(model.id, *tie)
        table = Node("table", str(source.table))
        out = {(table, model.node, "coarse")} if source.table else set()
        if self.suppressed.isdisjoint({(table, model.node), (waiting, end)}):
            out.add((column if tie in model.tied else waiting, end, "fine"))
        return out

    def _resolve_waiting(self, table_id: str) -> None:
        """Tie what waits for a column that the table has, unless it is deleted."""
        table = self.entities[table_id]
        assert isinstance(table, Table)
        for each in [each for each in self.entities.values() if not each.deleted]:
            if isinstance(each, ModelVersion):
                self._resolve_version(each.id)
            elif isinstance(each, Model):
                new = {
                    (feature, source)
                    for feature, source in each.sources
                    if source.table == table_id and source.name in dict(table.columns)
                } - each.tied
                producer = f"entity:{each.id}"
                for tie in new:
                    end, (waiting, _) = Node("mlFeature", each.id, tie[0]), _ways(each.id, *tie)
                    self.edges.pop(Edge(waiting, end, "fine", DERIVED, producer), None)
                now = replace(each, tied=each.tied | new)
                self.entities[each.id] = now
                for tie in new:
                    for start, end, level in self._derived(now, tie):
                        if level == "fine" and (start, end) not in self.suppressed:
                            self.edges[Edge(start, end, level, DERIVED, producer)] = None

    def _freeze(self, version: ModelVersion) -> None:
        frozen, tied = {}, self._ties(version, frozenset())
        for tie in version.sources:
            waiting, column = _ways(version.id, *tie)
            near = [(column if tie in tied else waiting, "fine")]
            table = self.entities[tie[1].table] if tie[1].table else None
            near += [(table.node, "coarse")] if table else []
            for start, level in near:
                self._edge_of(version, start, level)
            frozen[tie] = (_shown(table.version) if table else None, False)
        self.entities[version.id] = replace(version, frozen=frozen, tied=tied)

    def _resolve_version(self, version_id: str) -> None:
        """Tie the sources of a version that waited for columns that are there now."""
        version = self.entities[version_id]
        assert isinstance(version, ModelVersion)
        new = self._ties(version, version.tied) - version.tied
        for tie in new:
            waiting, column = _ways(version.id, *tie)
            del self.edges[Edge(waiting, version.node, "fine", FROZEN, f"entity:{version.id}")]
            self._edge_of(version, column, "fine")
        later = {tie: (version.frozen[tie][0], True) for tie in new}
        frozen = {**version.frozen, **later}
        self.entities[version.id] = replace(version, tied=version.tied | new, frozen=frozen)

    def _edge_of(self, version: ModelVersion, start: Node, level: str) -> None:
        self.edges[Edge(start, version.node, level, FROZEN, f"entity:{version.id}")] = None

    def _sum_up(self, model: Entity, version_id: str) -> None:
        """Let a model know of a version, and follow it when it is served."""
        version = self.entities[version_id]
        assert isinstance(model, Model)
        assert isinstance(version, ModelVersion)
        newest = self.entities[model.latest] if model.latest else None
        is_newer = not isinstance(newest, ModelVersion) or newest.number < version.number
        latest = version_id if is_newer else model.latest
        new = replace(model, last=max(model.last, version.number), latest=latest)
        self._follow(model, new, again=model.serving == version_id)

    def _follow(self, old: Model, new: Model, *, again: bool = False) -> None:
        """Keep what a model says of its versions, with the values of the one it serves."""
        if new.serving and (again or old.serving != new.serving):
            served = self.entities[new.serving]
            assert isinstance(served, Featured)
            new = replace(
                new,
                algorithm=served.algorithm or new.algorithm,
                features=new.features if served.features is None else served.features,
            )
        if new != old:
            self._keep(old, new)

    def _check_unused(self, entity: Entity) -> None:
        """Refuse that what is in production goes, unless that is forced."""
        if isinstance(entity, Model):
            serves = bool(entity.production) and not entity.deleted
        else:
            model = self.entities.get(entity.parent)
            serves = isinstance(model, Model) and entity.id in model.production
        if serves:
            raise Refused("conflict")

    def _forget(self, version: ModelVersion) -> None:
        """Take a version that goes out of its model's sum."""
        model = self.entities[version.parent]
        assert isinstance(model, Model)
        new = model.placed(version.id, None)
        if model.latest == version.id:
            left = [v for v in self.versions_of(model.id) if v.id != version.id and not v.deleted]
            newest = max(left, key=lambda v: v.number, default=None)
            new = replace(new, latest=newest.id if newest else None)
        self._follow(model, new)

    def _take_out(self, entity: Featured, gone: set[str]) -> None:
        """Take erased tables out of an entity: their sources are left with a name alone."""

        def bare(source: Source) -> Source:
            return source._replace(table=None) if source.table in gone else source

        features: Features = {
            name: frozenset(map(bare, sources)) for name, sources in (entity.features or {}).items()
        }
        tied = frozenset(tie for tie in entity.tied if tie[1].table not in gone)
        new = replace(entity, features=features, tied=tied)
        if isinstance(new, ModelVersion):
            entries = {(name, bare(each)): of for (name, each), of in new.frozen.items()}
            new = replace(new, frozen=entries)
            for tie in (tie for tie in entity.sources if tie[1].table in gone):
                waiting = _ways(entity.id, *tie)[0]
                self.edges.pop(Edge(waiting, new.node, "fine", FROZEN, f"entity:{new.id}"), None)
        self._keep(entity, new)

    def _check_tables(self, entity: Featured, features: Features | None) -> None:
        """Nothing new refers to what is deleted."""
        known = {source.table for _, source in entity.sources}
        for source in (each for sources in (features or {}).values() for each in sources):
            if source.table and self.entities[source.table].deleted and source.table not in known:
                raise Refused("invalid-input")

    def _check_ends(self, asked: Assertion) -> None:
        """Both ends are there and have the columns that are named, and nothing feeds itself."""
        near, far = zip(*asked.pairs, strict=True) if asked.pairs else ((), ())
        nodes = [asked.start, asked.end]
        for end, paths in ((asked.start, near), (asked.end, far)):
            kind = "mlFeature" if end.kind == "mlmodel" else "column"
            nodes += [Node(kind, end.owner, path) for path in paths]
        for node in nodes:
            if self.entities[node.owner].deleted or self.is_dropped(node):
                raise Refused("invalid-input")
        if not _asserted(asked, "", ""):
            raise Refused("invalid-input")

    def _allowed(self, asked: Assertion, wanted: dict[Edge, str | None]) -> dict[Edge, str | None]:
        """What no person took away; with two entities goes what is between their parts."""
        entities = {edge.pair for edge in wanted if edge.level == "coarse"}
        if not entities.isdisjoint(self.suppressed):
            return {}
        return {edge: said for edge, said in wanted.items() if edge.pair not in self.suppressed}

    def _between(self, start: Node, end: Node) -> list[Edge]:
        """The assertions between two nodes, those of their parts and of what waits for these."""

        def meant(node: Node, asked: Node) -> bool:
            owner = node.source.table if node.source else node.owner
            return node == asked or (not asked.is_part and owner == asked.owner)

        return [e for e in self.edges if meant(e.start, start) and meant(e.end, end)]


def _described(entity: Any, fields: dict[str, Any]) -> Any:
    """The entity with the description that a machine puts, unless a person has spoken."""
    if "description" not in fields or entity.by_person:
        return entity
    return replace(entity, description=fields["description"])


def _ways(owner: str, feature: str, source: Source) -> tuple[Node, Node]:
    """The node that a source is while it waits, and the column that it is then."""
    waiting = Node("featureSource", owner, feature, source)
    return waiting, Node("column", str(source.table), source.name)


def _asserted(asked: Assertion, source: str, writer: str) -> dict[Edge, str | None]:
    """Everything that a request asserts: two entities, their columns, and the parts it names.

    Within one entity, what its columns say of each other is all.
    """
    start, end = asked.start, asked.end

    def edge(near: Node, far: Node, level: str) -> Edge:
        return Edge(near, far, level, source, writer)

    def whole(node: Node) -> Node:
        owner = {"column": "table", "mlFeature": "mlmodel"}.get(node.kind, node.kind)
        return Node(owner, node.owner)

    said: dict[Edge, str | None] = {}
    within = start.owner == end.owner
    if not within:
        said[edge(whole(start), whole(end), "coarse")] = asked.description
    part = "mlFeature" if end.kind in ("mlmodel", "mlFeature") else "column"
    for near, far in asked.pairs:
        said[edge(Node("column", start.owner, near), Node(part, end.owner, far), "fine")] = None
    if (start.is_part and end.is_part) if within else (start.is_part or end.is_part):
        said[edge(start, end, "fine")] = asked.description
    return {each: text for each, text in said.items() if each.start != each.end}


def _shown(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
