"""How the SQL connector's edges compare with what data say, for the queries of a corpus."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import duckdb
from sqlglot.errors import SqlglotError

from benchmarks.lineage.corpus import Corpus
from benchmarks.lineage.oracle import Edge, Oracle
from benchmarks.lineage.twin import NotTwinnedError
from headwater.sql.relation import Relation
from headwater.sql.view_lineage import ViewReader


@dataclass
class Score:
    """What came out for the queries of one corpus.

    Attributes:
        found: Edges that data show and the connector says.
        missed: Edges that data show and it does not say.
        unconfirmed: Edges that it says and data do not show.
        left_out: Queries that it did not resolve, or that could not be judged, with the reason.
        queries: How many there are.
    """

    found: set[tuple[str, Edge]] = field(default_factory=set)
    missed: set[tuple[str, Edge]] = field(default_factory=set)
    unconfirmed: set[tuple[str, Edge]] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    queries: int = 0


def score_of(corpus: Corpus) -> Score:
    """Ask data about each of the queries, and count."""
    score = Score(queries=len(corpus.queries))
    oracle = Oracle(corpus)
    for name, sql in corpus.queries.items():
        outputs, claimed, reason = _claimed(corpus, name, sql)
        try:
            answer = oracle.ask(sql, outputs, claimed)
        except (NotTwinnedError, SqlglotError, duckdb.Error) as error:
            score.left_out[name] = f"not judged: {str(error).partition(chr(10))[0]}"
            continue
        if reason or not answer.rows:
            score.left_out[name] = reason or "not judged: no row"
        score.found |= {(name, edge) for edge in claimed & answer.edges}
        score.missed |= {(name, edge) for edge in answer.edges - claimed}
        score.unconfirmed |= {(name, edge) for edge in claimed - answer.edges}
        seen = f"{len(claimed & answer.edges)} of {len(claimed)} edges confirmed"
        print(f"{name}: {seen}, {answer.rows} rows", file=sys.stderr, flush=True)
    return score


def _claimed(corpus: Corpus, name: str, sql: str) -> tuple[list[str], set[Edge], str]:
    """A query's outputs as a view, the connector's edges to them, and what it left open."""
    view = name.replace("-", "_")
    corpus.connection.execute(f"CREATE VIEW memory.main.{view} AS {sql}")
    described = corpus.connection.execute(f"DESCRIBE memory.main.{view}").fetchall()
    relation = Relation("main", view, tuple(row[0] for row in described))
    tables = [Relation("main", table, tuple(each)) for table, each in corpus.tables.items()]
    reader = ViewReader(
        [*tables, relation], dialect="duckdb", database="memory", default_schema="main"
    )
    lineage = reader.read(relation, f"CREATE VIEW {view} AS {sql}")
    outputs = [f"{at}:{column}" for at, column in enumerate(relation.columns, start=1)]
    edges = {
        (output, f"{table.name}.{origin}")
        for output, column in zip(outputs, lineage.columns, strict=False)  # none where not resolved
        for table, origin in column.origins
    }
    return outputs, edges, "; ".join(note.message for note in lineage.notes)
