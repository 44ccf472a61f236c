"""A catalog beside its oracle: writes to both, and comparisons of what both say, now and then."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

from hypothesis.stateful import RuleBasedStateMachine, invariant

from headwater.catalog import Actor, CatalogService
from headwater.errors import HeadwaterError
from headwater.lineage import LineageService, derive
from headwater.store import Edge, Store
from headwater.store.draft import load
from tests.parity import answer, question
from tests.parity.oracle import Oracle
from tests.parity.state import Entity, Node, Refused, State

BOT = Actor("crawler", "bot", "crawl")
KINDS = ("databaseSchema", "table", "mlmodel", "modelVersion")
DEEP = 100
View = Literal["entity", "feature", "column"]


class Examination(RuleBasedStateMachine):
    """One catalog and what the oracle says of it, now and at every commit before.

    Args:
        open_empty: Opens an empty store.
    """

    def __init__(self, open_empty: Callable[[], Store]) -> None:
        super().__init__()
        self.store = open_empty()
        self.catalog = CatalogService(self.store, derive=derive)
        self.catalog.ensure_built_in()
        self.lineage = LineageService(self.store)
        self.catalog.put("databaseService", {"name": "wh"}, actor=BOT)
        self.catalog.put("database", {"name": "main", "service": "wh"}, actor=BOT)
        shop = {"name": "shop", "database": "wh.main"}
        self.schema = self.catalog.put("databaseSchema", shop, actor=BOT).id
        self.now: Oracle = Oracle(
            {self.schema: Entity(id=self.schema, kind="databaseSchema", name="shop")}
        )
        self.past: dict[int, State] = {self.store.sequence(): self.now}
        self.parts: dict[Node, str] = {}
        self.checked = 0
        self.sound = True
        """Whether the last step ended well: after one that did not, the past says nothing."""

    def teardown(self) -> None:
        if self.sound:
            edges = self._edges(include_closed=True)
            for seq, state in self.past.items():
                answer.check_edges(answer.open_at(seq, edges), state, self.parts)
            for seq in sorted(self.past)[:: max(1, len(self.past) // 5)]:
                self._check_past(seq)
        self.store.close()

    @invariant()
    def all_is_as_foreseen(self) -> None:
        """Every document and every edge is as the oracle has it, after a step that wrote."""
        if self.checked == self.store.sequence():
            return
        self.checked, self.sound = self.store.sequence(), False
        seen: dict[str, Any] = {}
        for kind in KINDS:
            for record in self.catalog.list(kind, limit=100, deleted="include").records:
                seen[record.id] = answer.found(record)
                self._learn(record.kind, record.id, load(record))
        assert seen.keys() == self.now.entities.keys()
        for id_, each in self.now.entities.items():
            answer.check(seen[id_], answer.wanted(self.now, each))
        answer.check_edges(self._edges(), self.now, self.parts)
        self.sound = True

    # Inside

    def _edges(self, *, include_closed: bool = False) -> list[Edge]:
        """All assertions: a source that waits for its column starts them and ends none."""
        ends = [*self.now.entities, *self.parts.values()]
        return self.store.edges(to_ids=ends, include_closed=include_closed)

    def _write(self, act: Callable[[], Any], foresee: Callable[[Oracle, str], Any]) -> None:
        """Write to both; both refuse, with the same code, or neither does."""
        before, refusal, self.sound = self.store.sequence(), None, False
        written: Any = None
        try:
            written = act()
        except HeadwaterError as error:
            refusal = error.code
        oracle, expected = self.now.copy(), None
        try:
            foresee(oracle, getattr(written, "id", "nothing"))
        except Refused as refused:
            expected = refused.code
        assert refusal == expected
        if expected:
            assert self.store.sequence() == before
            self.sound = True
            return
        self.now = oracle
        seq = self.store.sequence()
        assert seq - before in (0, 1), "what one write does is one commit"
        self.past[seq] = oracle
        if isinstance(getattr(written, "document", None), str) and written.id in oracle.entities:
            assert (
                self.catalog.get(written.kind, written.id, include_deleted=True).document
                == written.document
            )
        self.sound = True

    def _check_past(self, seq: int) -> None:
        state = self.past[seq]
        for entity in state.entities.values():
            record = self.catalog.get(entity.kind, entity.id, as_of=seq, include_deleted=True)
            answer.check(answer.found(record), answer.wanted(state, entity))
        for entity in state.entities.values():
            if entity.kind != "databaseSchema" and not entity.deleted:
                self._check_walk(seq, entity.node, "column", DEEP, DEEP)
                self._check_impact(seq, entity.node, DEEP, None)

    def _check_walk(self, seq: int, root: Node, view: View, up: int, down: int) -> None:
        state = self.past[seq]
        if state.entities[root.owner].deleted:
            code = self._code(lambda: self._ask(seq, root, view, up, down))
            assert code == "not-found"
            return
        got = answer.found_walk(self._ask(seq, root, view, up, down), view)
        around = question.walk(state, root, view, up, down)
        answer.check(got, answer.wanted_walk(state, around, view))

    def _ask(self, seq: int, root: Node, view: View, up: int, down: int) -> answer.Answer:
        return self.lineage.walk(
            self._id(root), kind=root.kind, upstream=up, downstream=down, level=view,
            as_of=self._as_of(seq), limit=100_000,
        )  # fmt: skip

    def _check_impact(self, seq: int, root: Node, depth: int, stage: str | None) -> None:
        state = self.past[seq]

        def ask() -> answer.Answer:
            return self.lineage.impact(
                self._id(root), kind=root.kind, depth=depth, stage=stage, as_of=self._as_of(seq)
            )

        if refusal := self._refusal(seq, root):
            assert self._code(ask) == refusal
            return
        got = ask()
        certain, uncertain = question.impact(state, root, depth)
        for name, nodes in (("models", certain), ("tableLevelModels", uncertain)):
            nodes = question.in_stage(state, nodes, stage)
            answer.check(
                {name: {answer.read(each) for each in got[name]}},
                {name: {answer.spelled(state, each) for each in nodes}},
            )
            for each in got[name]:
                self._check_path(state, each)
        assert (got["total"], got["tableLevelTotal"]) == (
            len(got["models"]),
            len(got["tableLevelModels"]),
        )

    def _refusal(self, seq: int, root: Node) -> str | None:
        """Why there is no impact: of what only holds tables, and of what there had never been."""
        if root.kind == "databaseSchema":
            return "invalid-input"
        there = (
            root.owner in state.entities and not state.is_dropped(root)
            for then, state in self.past.items()
            if then <= seq
        )
        return None if any(there) else "not-found"

    def _check_path(self, state: State, model: answer.Answer) -> None:
        """A path to a model is a way that data takes; and the model's stages are told."""
        path = [answer.read(each) for each in model["path"]]
        edges = {
            (answer.spelled(state, edge.start), answer.spelled(state, edge.end))
            for edge in state.edges
        }
        # A part stands for its entity where tables alone tell.
        whole = {"column": "table", "mlFeature": "mlmodel"}
        own = {(a, b) for a, b in pairwise(path) if b[:2] == (whole.get(a[0]), a[1])}
        assert {*pairwise(path)} <= edges | own
        assert path[-1] == answer.read(model)
        told = {each["stage"] for each in model.get("stages", ())} | {
            *filter(None, [model.get("stage")])
        }
        assert told == question.stages(state, state.entities[model["id"]].node)

    def _as_of(self, seq: int) -> int | None:
        return None if self.past[seq] is self.now else seq

    def _id(self, node: Node) -> str:
        return self.parts[node] if node.is_part else node.owner

    def _is_known(self, node: Node) -> bool:
        return not node.is_part or node in self.parts

    def _place(self, node: Node) -> tuple[int, str]:
        """Where a node comes in an order that does not depend on ids, which no run repeats."""
        return [*self.now.entities].index(node.owner), node.path

    def _learn(self, kind: str, entity_id: str, document: dict[str, Any]) -> None:
        """Note the ids of parts: they stay theirs."""

        def visit(part: str, items: list[dict[str, Any]], above: str) -> None:
            for each in items:
                path = above + each["name"]
                node = Node(part, entity_id, path)
                assert self.parts.setdefault(node, each["id"]) == each["id"]
                visit(part, each.get("children", []), f"{path}.")

        if kind == "table":
            visit("column", document.get("columns", []), "")
        elif kind == "mlmodel":
            visit("mlFeature", document.get("mlFeatures", []), "")

    @staticmethod
    def _code(ask: Callable[[], Any]) -> str | None:
        try:
            ask()
        except HeadwaterError as error:
            return error.code
        return None
