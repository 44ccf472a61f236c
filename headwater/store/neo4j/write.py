"""The commit: lock and read, compare, write. Each is one round trip, whatever is written."""

from __future__ import annotations

from collections.abc import Collection

from headwater.errors import StoreError
from headwater.store.base import OpenEdges, WriteSet
from headwater.store.neo4j.check import Stored, check, check_expected, check_open
from headwater.store.neo4j.database import Run
from headwater.store.neo4j.layout import edge_key, edge_place
from headwater.store.neo4j.rows import Rows

# The SET takes the lock; everything behind the WITH is read under it. See ADR 0002.
_LOCK_AND_READ = """
MATCH (counter:_Counter {name: 'commit'})
SET counter.held_by = $commit_id
WITH counter
CALL () {
  UNWIND $ids AS id MATCH (e:Entity {id: id})
  RETURN collect([id, e.rev, e.parent_id, e.deleted]) AS entities
}
CALL () {
  UNWIND $deleted AS id MATCH (:Entity {id: id})-[:CONTAINS]->(e:Entity)
  WHERE NOT e.deleted AND NOT e.id IN $written
  RETURN collect(e.fqn) AS orphans
}
CALL () {
  UNWIND $moving AS move MATCH (e:Entity {id: move[0]}) WHERE e.fqn <> move[1]
  CALL (e) {
    MATCH (e)-[:CONTAINS]->(below:Entity)
    RETURN below.id AS other
    UNION
    MATCH (r:_Reference) USING INDEX SEEK r:_Reference(target_id) WHERE r.target_id = e.id
    RETURN r.entity_id AS other
  }
  WITH other WHERE NOT other IN $written
  RETURN collect(other) AS spelling
}
CALL () {
  UNWIND $part_ids AS id MATCH (p:Part {id: id})
  RETURN collect([id, p.dropped]) AS parts
}
CALL () {
  UNWIND $names AS name MATCH (e:Entity {kind: name[0], fqn: name[1]})
  RETURN collect([name[0], name[1], e.id]) AS names
}
CALL () {
  UNWIND $referring AS id MATCH (r:_Reference {entity_id: id})
  USING INDEX SEEK r:_Reference(entity_id)
  RETURN collect([id, r.field, r.target_id]) AS references
}
CALL () {
  UNWIND $keys AS key MATCH ()-[e:FEEDS {from_id: key[0], by_to: key[1]}]->()
  RETURN collect(properties(e)) AS fine
}
CALL () {
  UNWIND $keys AS key MATCH ()-[e:FEEDS_TABLE {from_id: key[0], by_to: key[1]}]->()
  RETURN collect(properties(e)) AS coarse
}
CALL () {
  UNWIND $keys AS key MATCH (e:_Suppression {from_id: key[0], by_to: key[1]})
  RETURN collect(properties(e)) AS suppressed
}
CALL () { MATCH (change:_SearchChange) RETURN count(change) AS changes }
RETURN counter.seq, counter.at, counter.events, counter.entries, counter.loading, changes,
       entities, parts, names, references, orphans, spelling, fine + coarse + suppressed AS edges
"""
_READ_ERASED = """
CALL () {
  UNWIND $ids AS id MATCH (p:Part) USING INDEX SEEK p:Part(owner_id) WHERE p.owner_id = id
  RETURN collect(p.id) AS parts
}
CALL () {
  UNWIND $ids AS id
  MATCH (r:_Reference) USING INDEX SEEK r:_Reference(target_id)
  WHERE r.target_id = id AND NOT r.entity_id IN $ids
  RETURN collect(DISTINCT r.entity_id) AS referrers
}
CALL () {
  UNWIND $ids AS id MATCH (:Entity {id: id})-[:CONTAINS]->(e:Entity)
  WHERE NOT e.id IN $ids
  RETURN collect(e.id) AS children
}
RETURN parts, referrers, children
"""
_READ_OPEN = """
CALL () {
  MATCH ()-[e:FEEDS]->() USING INDEX SEEK e:FEEDS(producer)
  WHERE e.producer = $producer RETURN count(e) AS number, max(e.opened_seq) AS newest
  UNION ALL
  MATCH ()-[e:FEEDS_TABLE]->() USING INDEX SEEK e:FEEDS_TABLE(producer)
  WHERE e.producer = $producer RETURN count(e) AS number, max(e.opened_seq) AS newest
  UNION ALL
  MATCH (e:_Suppression) USING INDEX SEEK e:_Suppression(producer)
  WHERE e.producer = $producer RETURN count(e) AS number, max(e.opened_seq) AS newest
}
RETURN sum(number), coalesce(max(newest), 0)
"""
# What goes with a node that is erased: labels and the indexes that find it.
_ITS_OWN = (
    ("_State", "entity_id", "rev"),
    ("_Reference", "entity_id"),
    ("_Entry", "entity_id", "type", "number"),
    ("_Search", "id"),
    ("_SearchChange", "id"),
    ("_ClosedEdge", "from_id", "level", "by_to"),
    ("_ClosedEdge", "to_id", "level", "by_from"),
    ("_Suppression", "from_id", "by_to"),
    ("_Suppression", "to_id", "by_from"),
)


def _erase() -> str:
    deletes = []
    for name, first, *more in _ITS_OWN:
        # An index holds no node that lacks one of its properties, and answers only when told of it.
        known = "".join(f" AND n.{each} IS NOT NULL" for each in more)
        deletes.append(f"""CALL (id) {{
          MATCH (n:{name}) USING INDEX SEEK n:{name}({", ".join((first, *more))})
          WHERE n.{first} = id{known}
          DELETE n }}""")
    return "\n".join(deletes)


# What is done with each list of rows, in this order: names are freed before they are taken, edges
# closed before they are opened, nodes made before they are linked. A commit has the steps it needs,
# so the server plans as many statements as there are sorts of commits, each once.
# NAME is a label or a type. It could be a parameter, but Neo4j 5.26.0 then gives every relationship
# of a list the type of the first (5.26.30 does not).
_STEPS = {
    "erased": f"""
        UNWIND $rows AS id
        {_erase()}
        CALL (id) {{
          MATCH (e:_Event {{entity_id: id}}) USING INDEX SEEK e:_Event(entity_id)
          SET e.payload = '{{}}' }}
        MATCH (n:Entity|Part {{id: id}}) DETACH DELETE n""",
    "freed": "UNWIND $rows AS id MATCH (e:Entity {id: id}) REMOVE e.fqn",
    "entities": """
        UNWIND $rows AS row MERGE (e:Entity {id: row.id}) SET e += row.properties, e:NAME""",
    "states": "UNWIND $rows AS row CREATE (s:_State) SET s = row",
    "moved": "UNWIND $rows AS id MATCH ()-[r:CONTAINS]->(:Entity {id: id}) DELETE r",
    "placed": """
        UNWIND $rows AS row
        MATCH (e:Entity {id: row[0]}) MATCH (parent:Entity {id: row[1]})
        CREATE (parent)-[:CONTAINS]->(e)""",
    "flagged": """
        UNWIND $rows AS row
        MATCH (p:Part {owner_id: row[0]}) USING INDEX SEEK p:Part(owner_id)
        SET p.deleted = row[1]""",
    "parts": """
        UNWIND $rows AS row MERGE (p:Part {id: row.id}) SET p += row.properties, p:NAME""",
    "linked": """
        UNWIND $rows AS row
        MATCH (e:Entity {id: row[0]}) MATCH (p:Part {id: row[1]})
        CREATE (e)-[:NAME]->(p)""",
    "dropped": """
        UNWIND $rows AS id
        MATCH (p:Part {id: id}) SET p.dropped = true
        WITH p MATCH (:Entity {id: p.owner_id})-[r]->(p)
        WHERE NOT type(r) IN ['FEEDS', 'FEEDS_TABLE'] DELETE r""",
    "unreferred": """
        UNWIND $rows AS row
        MATCH (r:_Reference {entity_id: row[0]}) USING INDEX SEEK r:_Reference(entity_id)
        WHERE r.field = row[1] AND r.target_id = row[2]
        DELETE r""",
    "referred": """
        UNWIND $rows AS row
        CREATE (:_Reference {entity_id: row[0], field: row[1], target_id: row[2]})""",
    "closed": """
        UNWIND $rows AS row
        MATCH ()-[e:NAME {from_id: row[0], by_to: row[1]}]->()
        CREATE (c:_ClosedEdge) SET c = properties(e), c.closed_seq = $commit.seq DELETE e""",
    "lifted": """
        UNWIND $rows AS row
        MATCH (e:_Suppression {from_id: row[0], by_to: row[1]})
        CREATE (c:_ClosedEdge) SET c = properties(e), c.closed_seq = $commit.seq DELETE e""",
    "opened": """
        UNWIND $rows AS row
        MATCH (a:Entity|Part {id: row.from_id}) MATCH (b:Entity|Part {id: row.to_id})
        CREATE (a)-[e:NAME]->(b) SET e = row""",
    "suppressed": "UNWIND $rows AS row CREATE (e:_Suppression) SET e = row",
    "searched": "UNWIND $rows AS row MERGE (c:_SearchChange {id: row.id}) SET c = row",
    "events": "UNWIND $rows AS row CREATE (e:_Event) SET e = row",
    "dropped_events": """
        UNWIND $rows AS number
        MATCH (e:_Event) USING INDEX SEEK e:_Event(number) WHERE e.number < number
        DELETE e""",
    "entries": "UNWIND $rows AS row CREATE (e:_Entry) SET e = row",
}
_END = """
CREATE (c:_Commit) SET c = $commit
WITH c MATCH (counter:_Counter {name: 'commit'})
SET counter.seq = c.seq, counter.at = c.at, counter.events = counter.events + $event_count,
    counter.entries = counter.entries + $entry_count
"""


def commit(run: Run, commit_id: str, write_set: WriteSet) -> tuple[int, int]:
    """See ``Store.commit``. The caller ends the transaction that it runs in.

    Returns:
        The commit's seq, and how many changes of search text are not indexed with it.
    """
    stored = _lock_and_read(run, commit_id, write_set)
    check_expected(stored, write_set)
    if write_set.expects_open:
        check_open(_read_open(run, write_set.expects_open.producer), write_set.expects_open)
    if write_set.erased:
        stored = _without_erased(run, stored, write_set.erased)
    check(stored, write_set)
    rows = Rows(stored, write_set)
    steps, parameters = [], {}
    for step, text in _STEPS.items():
        for name, listed in sorted(rows.lists[step].items()):
            rows_name = f"{step}_{name}"
            parameters[rows_name] = listed
            named = text.replace("$rows", f"${rows_name}").replace("NAME", f"`{name}`")
            steps.append(f"CALL () {{ {named} }}")
    run(
        "\n".join(steps) + _END,
        **parameters,
        commit=rows.commit(commit_id),
        event_count=len(write_set.events),
        entry_count=len(write_set.entries),
    )
    return rows.seq, stored.changes + len(write_set.entities)


def _lock_and_read(run: Run, commit_id: str, write_set: WriteSet) -> Stored:
    entities = write_set.entities
    parents = {write.parent_id for write in entities if write.parent_id}
    ends = {end for edge in write_set.edges for end in (edge.key.from_id, edge.key.to_id)}
    targets = {reference.target_id for write in entities for reference in write.references or ()}
    records = {entry.entity_id for entry in write_set.entries}
    keys = {edge.key for edge in write_set.edges} | set(write_set.closed_edges)
    found = run(
        _LOCK_AND_READ,
        commit_id=commit_id,
        ids=list(
            {
                *(write.id for write in entities),
                *(*write_set.expects, *write_set.erased),
                *(*parents, *targets, *ends, *records),
            }
        ),
        written=[*(write.id for write in entities), *write_set.erased],
        deleted=[write.id for write in entities if write.deleted],
        moving=[[write.id, write.fqn] for write in entities if write.expected_rev],
        part_ids=list(ends | {part.id for write in entities for part in write.parts}),
        names=[[write.kind, write.fqn] for write in entities],
        referring=[write.id for write in entities if write.references is not None],
        keys=[[key.from_id, edge_place(key)] for key in keys],
    )
    if not found:
        raise StoreError("the Neo4j database has no layout yet: call migrate() first")
    seq, at, events, entries, loading, changes, *more = found[0]
    if loading is not None:
        raise StoreError("the store is being filled by a load; write when that has ended")
    stored, parts, names, references, orphans, spelling, edges = more
    return Stored(
        *(seq, at, events, entries, changes),
        entities={id_: (rev, parent_id, deleted) for id_, rev, parent_id, deleted in stored},
        parts=dict(parts),
        names={(kind, fqn): id_ for kind, fqn, id_ in names},
        references={(id_, field, target_id) for id_, field, target_id in references},
        orphans=orphans,
        spelling=spelling,
        edges={edge_key(edge): edge["details"] for edge in edges},
    )


def _read_open(run: Run, producer: str) -> OpenEdges:
    """What a producer has open, under the lock."""
    return OpenEdges(producer, *run(_READ_OPEN, producer=producer)[0])


def _without_erased(run: Run, stored: Stored, erased: Collection[str]) -> Stored:
    """What is stored but for what is erased."""
    ((parts, referrers, children),) = run(_READ_ERASED, ids=list(erased))
    needed = [(id_, "refers to") for id_ in referrers] + [(id_, "lies below") for id_ in children]
    return stored.without(frozenset((*erased, *parts)), needed)
