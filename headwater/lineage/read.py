"""Questions about the graph: each finds its node and its moment, and asks the module that knows."""

from __future__ import annotations

from headwater.errors import InvalidInputError, NotFoundError
from headwater.lineage.analysis import Question, cycles, roots
from headwater.lineage.diff import lineage_diff
from headwater.lineage.impact import impact
from headwater.lineage.kind import VERSION, WORDS, holders
from headwater.lineage.node import as_json, find_by_id, find_root
from headwater.lineage.outdated import source_changes
from headwater.lineage.path import shortest_path
from headwater.lineage.sensitive import tag_impact, tagged_sources
from headwater.lineage.tagged import find_tag
from headwater.lineage.trained import Training, trained_on
from headwater.lineage.view import Scope, look, spell, view_of
from headwater.lineage.walk import as_seen
from headwater.store.base import Direction, Key, Node, Store
from headwater.store.draft import Document
from headwater.store.moment import Moment, sequence_of
from headwater.store.stage import meant_stage

MAX_DEPTH = 100
MAX_LIMIT = 100_000


class LineageReader:
    """The questions that lineage answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def walk(
        self,
        key: Key,
        *,
        kind: str | None = None,
        upstream: int = 1,
        downstream: int = 1,
        level: str | None = None,
        as_of: Moment | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return the graph around a node.

        Args:
            key: An id together with its ``kind``, ``(kind, fqn)``, or an FQN (see ``find``).
            level: ``entity``, ``feature`` (columns stand as their tables) or ``column``; None: the
                node's own, which is ``column`` for a part.
            limit: How many assertions each direction may return.

        Raises:
            NotFoundError: There is no such node.
        """
        _check_bounds(limit, upstream=upstream, downstream=downstream)
        root, seq = self._there(key, kind, as_of)
        view = view_of(level, root)
        scope = Scope(upstream, downstream, limit, seq)
        return spell(self._store, look(self._store, root, view, scope), view, scope)

    def neighbours(
        self,
        key: Key,
        *,
        kind: str | None = None,
        direction: Direction = "downstream",
        level: str | None = None,
        as_of: Moment | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Document:
        """Return one page of a node's neighbours, so that a hub of any size can be read.

        Raises:
            NotFoundError: There is no such node.
        """
        _check_bounds(limit)
        if direction not in ("upstream", "downstream"):
            raise InvalidInputError(f"direction is upstream or downstream, not {direction!r}")
        root, seq = self._there(key, kind, as_of)
        fine = view_of(level, root) != "entity"
        hops = self._store.expand(
            [root.id],
            direction,
            "fine" if fine else "coarse",
            limit=limit + 1,
            as_of=seq,
            after=(root.id, after) if after else None,
        )
        page = {hop.node.id: hop.node for hop in hops[:limit]}
        paging = {"after": next(reversed(page))} if len(hops) > limit else {}
        there = as_seen(self._store, page.values(), seq).values()
        nodes = [as_json(node) for node in there if not node.deleted]
        return {"data": nodes, "paging": paging}

    def impact(
        self,
        fqn: str,
        *,
        kind: str | None = None,
        depth: int = MAX_DEPTH,
        stage: str | None = None,
        as_of: Moment | None = None,
        limit: int = 1000,
        drop: bool = False,
    ) -> Document:
        """Return the models and versions that a column, table or feature reaches, with paths.

        Of a tag or classification: what data that carries it reaches unmasked.

        Args:
            stage: Only versions in this stage, and models that have one there.
            limit: How many models are listed; all are counted.
            drop: Tell all that breaks when the node is dropped.

        Raises:
            NotFoundError: There is no such node, or there had been none by that moment.
            ConflictError: Several kinds have that FQN.
            InvalidInputError: A bound is none, a tag is asked about in the past or dropped, or
                it is a service, a database or a schema.
        """
        _check_bounds(limit, depth=depth)
        stage = self._stage(stage)
        root = find_root(self._store, fqn, kind=kind)  # of what is deleted, too
        if root.kind in holders():
            raise InvalidInputError(
                f"{root.kind} {root.fqn!r} holds data and models, and has no lineage of its own:"
                " ask about its tables, columns or models"
            )
        if root.kind not in WORDS:
            seq = sequence_of(self._store, as_of, root.owner_id or root.id)
            there = _as_it_was(self._store, root, seq)
            return impact(
                self._store, there, depth=depth, limit=limit, as_of=seq, stage=stage, drop=drop
            )
        if as_of is not None or drop:
            raise InvalidInputError(
                f"the {root.kind} {root.fqn!r} is followed from what carries it now: asOf and drop"
                " ask about a column, table or feature"
            )
        return tag_impact(self._store, root, depth=depth, limit=limit, stage=stage)

    def tag_impact(
        self, tag: str, *, depth: int = MAX_DEPTH, stage: str | None = None, limit: int = 1000
    ) -> Document:
        """Return what data with a tag reaches unmasked: features, models and versions.

        Args:
            tag: Its FQN or id, or a classification's: any tag of it.

        Raises:
            NotFoundError: There is no such tag and no such classification.
        """
        word = find_tag(self._store, tag)
        return self.impact(word.id, kind=word.kind, depth=depth, stage=stage, limit=limit)

    def tagged_sources(
        self,
        fqn: str,
        tag: str,
        *,
        kind: str | None = None,
        depth: int = MAX_DEPTH,
        stage: str | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return which data with a tag a model is made from, masked or not, with paths.

        Args:
            fqn: Of a model, which is asked about with its versions; or of any other node.
            tag: Its FQN or id, or a classification's: any tag of it.
            stage: Of a model: only the versions in this stage, and the model if it has one there.

        Raises:
            NotFoundError: There is no such node, or no such tag.
            ConflictError: Several kinds have that FQN.
        """
        _check_bounds(limit, depth=depth)
        stage = self._stage(stage)
        word = find_tag(self._store, tag)
        root, _ = self._at(find_root(self._store, fqn, kind=kind), None)
        return tagged_sources(self._store, root, word, depth=depth, limit=limit, stage=stage)

    def source_changes(self, version: Key) -> Document:
        """Return what changed in the data of a version since it was trained.

        See ``outdated.source_changes`` for the answer.

        Raises:
            NotFoundError: There is no such version.
        """
        record = self._store.find(version)
        if record is None or record.kind != VERSION:
            raise NotFoundError(f"there is no modelVersion {version!r}")
        return source_changes(self._store, record)

    def trained_on(
        self,
        fqn: str,
        *,
        kind: str | None = None,
        since: int | None = None,
        until: int | None = None,
        stage: str | None = None,
        depth: int = MAX_DEPTH,
        limit: int = 1000,
    ) -> Document:
        """Return the versions of models that were trained on a table or column, with paths.

        Args:
            since: Only trainings that ended then or later, in milliseconds; ``until`` or earlier.
            stage: Only versions in this stage.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        _check_bounds(limit, depth=depth)
        stage = self._stage(stage)
        root = find_root(self._store, fqn, kind=kind)  # of what is deleted, too
        asked = Training(since, until, stage)
        return trained_on(self._store, root, asked, depth=depth, limit=limit)

    def path(
        self, start: str, end: str, *, level: str = "any", as_of: int | None = None
    ) -> Document:
        """Return the shortest way that data takes from one node to another, or that there is none.

        Args:
            start: An id, an FQN, or ``kind:fqn``; ``end`` likewise.
            level: ``column``, ``entity``, or ``any``: the finer one when there is one.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        first, last = self.find(start, as_of=as_of), self.find(end, as_of=as_of)
        return shortest_path(self._store, first, last, level=level, as_of=as_of)

    def diff(
        self,
        fqn: str,
        *,
        before: Moment,
        after: Moment | None = None,
        kind: str | None = None,
        upstream: int = 1,
        downstream: int = 1,
        level: str | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return what is new, gone or changed in the graph around a node between two moments.

        While the node was not there, its graph was empty.

        Args:
            after: Now, when it is None.

        Raises:
            NotFoundError: There is no such node, or there was none at either moment.
            ConflictError: Several kinds have that FQN.
        """
        _check_bounds(limit, upstream=upstream, downstream=downstream)
        root = find_root(self._store, fqn, kind=kind)
        entity_id = root.owner_id or root.id
        old = sequence_of(self._store, before, entity_id) or 0
        new = sequence_of(self._store, after, entity_id)
        new = self._store.sequence() if new is None else new
        view, scope = view_of(level, root), Scope(upstream, downstream, limit, None)
        return lineage_diff(self._store, root, view, scope, before=old, after=new)

    def roots(
        self,
        fqn: str,
        *,
        kind: str | None = None,
        level: str | None = None,
        depth: int = MAX_DEPTH,
        as_of: Moment | None = None,
        limit: int = 1000,
    ) -> Document:
        """Return what nothing feeds, among everything that feeds a node.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        return roots(self._store, *self._asked(fqn, kind, level, depth, as_of, limit))

    def cycles(
        self,
        fqn: str,
        *,
        kind: str | None = None,
        level: str | None = None,
        depth: int = MAX_DEPTH,
        as_of: Moment | None = None,
        limit: int = 100,
    ) -> Document:
        """Return the circles that data goes in, among everything that a node reaches.

        Raises:
            NotFoundError: There is no such node.
            ConflictError: Several kinds have that FQN.
        """
        return cycles(self._store, *self._asked(fqn, kind, level, depth, as_of, limit))

    def find(self, key: Key, *, kind: str | None = None, as_of: Moment | None = None) -> Node:
        """Return the node that a key names.

        A text with a ``kind`` is an id; without one it is an id, an FQN, or ``kind:fqn``.

        Args:
            as_of: The node's entity must have been there at that moment, not now.

        Raises:
            NotFoundError: There is no such node, or its entity is soft-deleted.
            ConflictError: Several kinds have that FQN.
        """
        return self._there(key, kind, as_of)[0]

    # Inside

    def _stage(self, word: str | None) -> str | None:
        """The stage that a word means, in any case; None: all of them."""
        return None if word is None else meant_stage(self._store, word)

    def _there(self, key: Key, kind: str | None, as_of: Moment | None) -> tuple[Node, int | None]:
        """The node that a key names as it was at a moment, and the moment's seq."""
        if isinstance(key, str) and kind is not None:
            node = find_by_id(self._store, key, kind=kind)
        else:
            node = find_root(self._store, key, kind=kind)
        return self._at(node, as_of)

    def _at(self, node: Node, as_of: Moment | None) -> tuple[Node, int | None]:
        seq = sequence_of(self._store, as_of, node.owner_id or node.id)
        if seq is not None:
            there = as_seen(self._store, [node], seq).get(node.id)
            if there is None or there.deleted:
                raise NotFoundError(f"there was no {node.kind} {node.fqn!r} as of {seq}")
            return there, seq
        if node.deleted:
            raise NotFoundError(
                f"{node.kind} {node.fqn!r} is deleted; restore it first",
                kind=node.kind,
                id=node.id,
            )
        return node, None

    def _asked(
        self,
        fqn: str,
        kind: str | None,
        level: str | None,
        depth: int,
        as_of: Moment | None,
        limit: int,
    ) -> tuple[Node, Question]:
        """The node and the question of an analysis."""
        _check_bounds(limit, depth=depth)
        root, seq = self._at(find_root(self._store, fqn, kind=kind), as_of)
        return root, Question(level or view_of(None, root), depth, limit, seq)


def _as_it_was(store: Store, node: Node, seq: int | None) -> Node:
    """The node at a moment; what was gone by then may be asked about, too.

    Raises:
        NotFoundError: Neither then nor earlier was there such a node.
    """
    if seq is None:
        return node
    then = as_seen(store, [node], seq).get(node.id)
    if then is None or (then.dropped and not _was_part(store, node, seq)):
        raise NotFoundError(f"there was no {node.kind} {node.fqn!r} as of {seq}")
    return then


def _was_part(store: Store, part: Node, seq: int) -> bool:
    """Whether an entity had a part in a state by a commit."""
    owner, before = str(part.owner_id), None
    while states := store.versions(owner, before_rev=before):
        if any(state.seq <= seq and part.id in state.document for state in states):
            return True
        before = states[-1].rev
    return False


def _check_bounds(limit: int, **depths: int) -> None:
    for name, depth in depths.items():
        if not 0 <= depth <= MAX_DEPTH:
            raise InvalidInputError(f"{name} is 0 to {MAX_DEPTH}, not {depth}")
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInputError(f"limit is 1 to {MAX_LIMIT}, not {limit}")
