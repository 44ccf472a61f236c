"""The machine: writes of every sort to a catalog and to the oracle, and questions to both."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headwater.catalog import Actor
from headwater.store.moment import AtVersion
from tests.parity import answer
from tests.parity.examination import BOT, DEEP, KINDS, Examination, View
from tests.parity.oracle import Assertion, Columns
from tests.parity.state import Entity, Features, Model, ModelVersion, Node, Source, State, Table

ME, DBT = Actor(), Actor("ci", "bot", "dbt")
TABLES, MODELS = ("t", "u", "odd.one"), ("churn", "fraud")
VERSIONS, RENAMED = ("spring", "summer", "autumn"), ("t", "other", "churn", "spring")
COLUMNS, NESTED, FEATURES = ("a", "b", "s"), ("x", "y"), ("f", "g")
PATHS, LOOSE = ("a", "b", "s", "s.x", "nowhere"), ("loose", "lo.ose")
ALGORITHMS = ("unknown", "Forest", "Boost")
WORDS = st.sampled_from(("one", "two", None))
Draw = st.DataObject


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    """The columns of a table: some, in some order; one is a struct."""
    out: list[tuple[str, str]] = []
    for name in draw(st.lists(st.sampled_from(COLUMNS), unique=True)):
        if name == "s":
            nested = draw(st.lists(st.sampled_from(NESTED), unique=True))
            out += [("s", "STRUCT"), *((f"s.{each}", "INT") for each in nested)]
        else:
            out.append((name, draw(st.sampled_from(("INT", "TEXT")))))
    return tuple(out)


class CatalogMachine(Examination):
    """What may be done to a catalog, and asked of it."""

    # Tables

    @rule(
        name=st.sampled_from(TABLES),
        cols=columns(),
        words=st.just({}) | WORDS.map(lambda w: {"description": w}),
    )
    def put_table(self, name: str, cols: Columns, words: dict[str, Any]) -> None:
        body = {
            "name": name,
            "databaseSchema": {"id": self.schema},
            "columns": _nested(cols),
            **words,
        }
        self._write(
            lambda: self.catalog.put("table", body, actor=BOT),
            lambda oracle, new: oracle.put_table(new, self.schema, name, cols, **words),
        )

    @precondition(lambda self: self.now.of("table"))
    @rule(data=st.data())
    def change_table(self, data: Draw) -> None:
        """A person describes a table, drops one of its columns, or gives one another type."""
        table = self._any(data, "table")
        assert isinstance(table, Table)
        fields: dict[str, Any] = {}
        if data.draw(st.booleans(), "describe") or not table.columns:
            fields["description"] = data.draw(WORDS)
        else:
            path, type_ = data.draw(st.sampled_from(table.columns))
            kept = [each for each in table.columns if not f"{each[0]}.".startswith(f"{path}.")]
            other = {"INT": "TEXT", "TEXT": "INT"}.get(type_)
            if other and data.draw(st.booleans(), "retype"):
                kept = [(each[0], other if each[0] == path else each[1]) for each in table.columns]
            fields["columns"] = tuple(kept)
        patch = {
            **fields,
            **({"columns": _nested(fields["columns"])} if "columns" in fields else {}),
        }
        self._write(
            lambda: self.catalog.patch("table", table.id, patch, actor=ME),
            lambda oracle, _: oracle.patch(table.id, **fields),
        )

    # Models and their versions

    @rule(name=st.sampled_from(MODELS), algorithm=st.sampled_from(ALGORITHMS), data=st.data())
    def put_model(self, name: str, algorithm: str, data: Draw) -> None:
        fields = self._features(data)
        old = self.now.named("mlmodel", "", name)
        if isinstance(old, Model) and old.serving and "features" in fields and not old.deleted:
            # What a promotion set is not this machine's to leave out: it adds, or says it again.
            union = _united(old.features or {}, fields["features"])
            fields["features"] = data.draw(st.sampled_from((union, old.features)))
        if data.draw(st.booleans(), "words"):
            fields["description"] = data.draw(WORDS)
        body = {"name": name, "algorithm": algorithm, **_featured(fields)}
        self._write(
            lambda: self.catalog.put("mlmodel", body, actor=BOT),
            lambda oracle, new: oracle.put_model(new, name, algorithm, **fields),
        )

    @precondition(lambda self: self.now.of("mlmodel"))
    @rule(data=st.data())
    def change_model(self, data: Draw) -> None:
        """A person describes a model, or says what it predicts or how."""
        model = self._any(data, "mlmodel")
        field = data.draw(st.sampled_from(("description", "target", "algorithm")))
        value = data.draw(WORDS if field != "algorithm" else st.sampled_from(ALGORITHMS))
        self._write(
            lambda: self.catalog.patch("mlmodel", model.id, {field: value}, actor=ME),
            lambda oracle, _: oracle.patch(model.id, **{field: value}),
        )

    @precondition(lambda self: self.now.of("mlmodel", deleted=None))
    @rule(name=st.sampled_from(VERSIONS), data=st.data())
    def put_version(self, name: str, data: Draw) -> None:
        model = self._any(data, "mlmodel", deleted=None)
        old = self.now.named("modelVersion", model.id, name)
        fields = self._features(data)
        if isinstance(old, ModelVersion) and old.frozen and "features" in fields:
            union = _united(old.features or {}, fields["features"])
            fields["features"] = data.draw(st.sampled_from((union, old.features)))
        if data.draw(st.booleans(), "algorithm"):
            fields["algorithm"] = data.draw(st.sampled_from(ALGORITHMS))
        body = {"name": name, "mlmodel": {"id": model.id}, **_featured(fields)}
        self._write(
            lambda: self.catalog.put("modelVersion", body, actor=BOT),
            lambda oracle, new: oracle.put_version(new, model.id, name, **fields),
        )

    @precondition(lambda self: self.now.of("modelVersion", deleted=None))
    @rule(
        data=st.data(),
        stage=st.sampled_from(("production", "staging", "archived", "none")),
        exclusive=st.sampled_from((None, False)),
        force=st.sampled_from((True, True, False)),
    )
    def set_stage(self, data: Draw, stage: str, exclusive: bool | None, force: bool) -> None:
        version = self._any(data, "modelVersion", deleted=None).id
        self._write(
            lambda: self.catalog.model_versions.set_stage(
                version, stage, actor=ME, exclusive=exclusive, force=force
            ),
            lambda oracle, _: oracle.set_stage(version, stage, exclusive=exclusive, force=force),
        )

    # Whole entities

    @rule(data=st.data(), name=st.sampled_from(RENAMED))
    def rename(self, data: Draw, name: str) -> None:
        entity = self._entity(data, deleted=None)
        self._write(
            lambda: self.catalog.rename(entity.kind, entity.id, name, actor=ME),
            lambda oracle, _: oracle.rename(entity.id, name),
        )

    @precondition(lambda self: len(self.now.entities) > 1)
    @rule(data=st.data(), recursive=st.booleans(), force=st.booleans())
    def delete(self, data: Draw, recursive: bool, force: bool) -> None:
        entity = self._entity(data, deleted=False, schema=False)
        if entity is None:
            return
        self._write(
            lambda: self.catalog.delete(
                entity.kind, entity.id, actor=ME, recursive=recursive, force=force
            ),
            lambda oracle, _: oracle.delete(entity.id, recursive=recursive, force=force),
        )

    @precondition(lambda self: any(each.deleted for each in self.now.entities.values()))
    @rule(data=st.data())
    def restore(self, data: Draw) -> None:
        entity = self._entity(data, deleted=True)
        self._write(
            lambda: self.catalog.restore(entity.kind, entity.id, actor=ME),
            lambda oracle, _: oracle.restore(entity.id),
        )

    @precondition(lambda self: len(self.now.entities) > 5)
    @rule(data=st.data(), recursive=st.booleans(), force=st.booleans())
    def erase(self, data: Draw, recursive: bool, force: bool) -> None:
        entity = self._entity(data, deleted=None, schema=False)
        if self.now.would_merge_sources(entity.id):
            return  # two sources of one name and no table: the oracle cannot tell them apart
        gone: set[str] = set()
        self._write(
            lambda: self.catalog.erase(
                entity.kind, entity.id, actor=ME, recursive=recursive, force=force
            ),
            lambda oracle, _: gone.update(
                oracle.erase(entity.id, recursive=recursive, force=force)
            ),
        )
        self.past = {seq: state.without(gone) for seq, state in self.past.items()}
        self.parts = {node: id_ for node, id_ in self.parts.items() if node.owner not in gone}

    # Edges

    @precondition(lambda self: len(self.now.entities) > 2)
    @rule(
        data=st.data(), actor=st.sampled_from((ME, BOT)), source=st.sampled_from(("manual", "view"))
    )
    def put_edge(self, data: Draw, actor: Actor, source: str) -> None:
        asked = self._assertion(data)
        self._write(
            lambda: self.lineage.put_edge(self._body(asked, source=source), actor=actor),
            lambda oracle, _: oracle.put_edge(asked, writer=actor.writer, source=source),
        )

    @precondition(lambda self: self.now.edges)
    @rule(data=st.data(), actor=st.sampled_from((ME, ME, BOT)))
    def delete_edge(self, data: Draw, actor: Actor) -> None:
        pairs = {edge.pair for edge in self.now.edges if all(map(self._is_known, edge.pair))}
        there = sorted(pairs, key=lambda pair: [*map(self._place, pair)])
        if not there:
            return
        start, end = data.draw(st.sampled_from(there))
        body = {"fromEntity": self._reference(start), "toEntity": self._reference(end)}
        self._write(
            lambda: self.lineage.delete_edge(body, actor=actor),
            lambda oracle, _: oracle.delete_edge(start, end, writer=actor.writer),
        )

    @precondition(lambda self: len(self.now.entities) > 2)
    @rule(data=st.data(), count=st.integers(0, 3))
    def replace_edges(self, data: Draw, count: int) -> None:
        by_ends = {
            (each.start, each.end): each for each in (self._assertion(data) for _ in range(count))
        }
        asked = list(by_ends.values())
        body = {"edges": [self._body(each) for each in asked]}
        self._write(
            lambda: self.lineage.replace_edges("dbt", body, actor=DBT),
            lambda oracle, _: oracle.replace_edges(asked, writer="dbt"),
        )

    @precondition(lambda self: self.now.of("mlmodel"))
    @rule(data=st.data())
    def add_lineage(self, data: Draw) -> None:
        model = self._any(data, "mlmodel", deleted=None)
        self._write(
            lambda: self.lineage.add_mlmodel_lineage(model.id, actor=ME),
            lambda oracle, _: oracle.add_lineage(model.id),
        )

    # Questions

    @rule(
        data=st.data(),
        view=st.sampled_from(("entity", "feature", "column")),
        up=st.sampled_from((0, 1, 2, DEEP)),
        down=st.sampled_from((0, 1, 2, DEEP)),
    )
    def walk(self, data: Draw, view: View, up: int, down: int) -> None:
        seq = self._moment(data)
        self._check_walk(seq, self._root(data, seq), view, up, down)

    @rule(data=st.data(), stage=st.sampled_from((None, "production", "staging")))
    def impact(self, data: Draw, stage: str | None) -> None:
        seq = self._moment(data)
        root = self._root(data, seq)
        self._check_impact(
            seq, root, DEEP if root.is_part else data.draw(st.sampled_from((1, 2, DEEP))), stage
        )

    @rule(data=st.data())
    def look_back(self, data: Draw) -> None:
        """Everything as it was at a commit, and each version as it was last."""
        self._check_past(data.draw(st.sampled_from(sorted(self.past))))
        entity = self._entity(data, deleted=None)
        states = [seq for seq in sorted(self.past) if entity.id in self.past[seq].entities]
        last: dict[str, State] = {}
        first: dict[str, State] = {}
        for seq in states:
            version = answer.shown(self.past[seq].entities[entity.id].version)
            last[version] = self.past[seq]
            first.setdefault(version, self.past[seq])
        listed = self.catalog.versions(entity.kind, entity.id, limit=500)
        assert [each.version for each in listed] == [*reversed(last)]
        for record in listed:
            state = last[record.version]
            answer.check(answer.found(record), answer.wanted(state, state.entities[entity.id]))
            then = first[record.version]
            got = self.catalog.get(
                entity.kind, entity.id, as_of=AtVersion(record.version), include_deleted=True
            )
            answer.check(answer.found(got), answer.wanted(then, then.entities[entity.id]))

    # What is drawn

    def _moment(self, data: Draw) -> int:
        """Now, as often as not."""
        latest = max(self.past)
        return data.draw(st.just(latest) | st.sampled_from(sorted(self.past)), "moment")

    def _root(self, data: Draw, seq: int) -> Node:
        """An entity that was there, or a part that it has or had, which is known by now."""
        entities = self.past[seq].entities
        nodes = [each.node for each in entities.values()]
        parts = [node for node in self.parts if node.owner in entities]
        return data.draw(st.sampled_from(nodes) | st.sampled_from(parts or nodes), "root")

    def _entity(self, data: Draw, *, deleted: bool | None, schema: bool = True) -> Any:
        found = [
            each
            for kind in KINDS[0 if schema else 1 :]
            for each in self.now.of(kind, deleted=deleted)
        ]
        return data.draw(st.sampled_from(found), "entity") if found else None

    def _any(self, data: Draw, kind: str, *, deleted: bool | None = False) -> Entity:
        return data.draw(st.sampled_from(self.now.of(kind, deleted=deleted)), kind)

    def _features(self, data: Draw) -> dict[str, Any]:
        """Features with their sources, or none said."""
        tables = [each.id for each in self.now.of("table", deleted=None)]
        # A put that leaves the table of a source out keeps it: those without one have other names.
        source = st.builds(Source, st.sampled_from(LOOSE), st.none())
        if tables:
            source |= st.builds(Source, st.sampled_from(PATHS), st.sampled_from(tables))
        sources = st.frozensets(source, max_size=3)
        drawn = data.draw(
            st.none() | st.dictionaries(st.sampled_from(FEATURES), sources, min_size=1), "features"
        )
        return {} if drawn is None else {"features": drawn}

    def _assertion(self, data: Draw) -> Assertion:
        """An edge between two entities, with columns, or between two columns."""
        start, end = (self._entity(data, deleted=None, schema=False).node for _ in range(2))
        near, far = self._parts_of(start), self._parts_of(end)
        pairs: tuple[tuple[str, str], ...] = ()
        if near and far and start.kind == "table":
            pair = st.tuples(st.sampled_from(near), st.sampled_from(far))
            drawn: list[tuple[Node, Node]] = data.draw(st.lists(pair, max_size=2, unique=True))
            if drawn and data.draw(st.sampled_from((True, False)), "between parts"):
                start, end = drawn[0]
            else:
                pairs = tuple((a.path, b.path) for a, b in drawn)
        return Assertion(start, end, pairs, data.draw(st.sampled_from((None, "why"))))

    def _parts_of(self, node: Node) -> list[Node]:
        return [each for each in self.parts if each.owner == node.owner]

    def _body(self, asked: Assertion, source: str = "manual") -> dict[str, Any]:
        details: dict[str, Any] = {"source": source}
        if asked.description:
            details["description"] = asked.description
        if asked.pairs:
            fqns = [self.now.fqn(each.owner) for each in (asked.start, asked.end)]
            details["columnsLineage"] = [
                {"fromColumns": [f"{fqns[0]}.{near}"], "toColumn": f"{fqns[1]}.{far}"}
                for near, far in asked.pairs
            ]
        ends = {"fromEntity": self._reference(asked.start), "toEntity": self._reference(asked.end)}
        return {**ends, "lineageDetails": details}

    def _reference(self, node: Node) -> dict[str, str]:
        return {"id": self._id(node), "type": node.kind}


def _nested(cols: Columns) -> list[dict[str, Any]]:
    """Columns as a request has them."""
    out: list[dict[str, Any]] = []
    for path, type_ in cols:
        above, _, name = path.rpartition(".")
        each: dict[str, Any] = {"name": name, "dataType": type_}
        if type_ == "STRUCT":
            each["children"] = []
        (out[-1]["children"] if above else out).append(each)
    return out


def _united(one: Features, other: Features) -> Features:
    """All the sources of both, feature by feature."""
    none: frozenset[Source] = frozenset()
    return {key: one.get(key, none) | other.get(key, none) for key in {**one, **other}}


def _featured(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as a request has them."""
    out = {name: value for name, value in fields.items() if name != "features"}
    features: Features | None = fields.get("features")
    if features is not None:
        out["mlFeatures"] = [
            {"name": name, "featureSources": [_source(each) for each in sorted(sources, key=str)]}
            for name, sources in features.items()
        ]
    return out


def _source(source: Source) -> dict[str, Any]:
    return {"name": source.name} | (
        {"dataSource": {"id": source.table, "type": "table"}} if source.table else {}
    )
