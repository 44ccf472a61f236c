"""Judge the SQL connector's column lineage by data: ``python -m benchmarks.lineage``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from sqlglot.errors import SqlglotError

from benchmarks.lineage.corpus import Corpus, tpc, traps
from benchmarks.lineage.oracle import Edge, Oracle
from benchmarks.lineage.twin import NotTwinnedError
from headwater.connectors.relation import Relation
from headwater.connectors.view_lineage import ViewReader

_JUDGEMENTS = Path(__file__).with_name("judgements.txt")
_LEAST_RECALL = 0.95


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


def main() -> None:
    """Print the figures; exit with 1 when they are too low, or an edge is not accounted for."""
    judged = _judgements()
    scores = {}
    for make in (traps, lambda: tpc("tpc-h"), lambda: tpc("tpc-ds")):
        corpus = make()
        scores[corpus.name] = _score(corpus)
        _print(corpus.name, scores[corpus.name], judged)
    standard = [scores["tpc-h"], scores["tpc-ds"]]
    found, missed = (sum(len(getattr(s, which)) for s in standard) for which in ("found", "missed"))
    recall = found / (found + missed)
    queries = sum(score.queries for score in standard)
    left_out = sum(len(score.left_out) for score in standard)
    unconfirmed = [each for score in scores.values() for each in sorted(score.unconfirmed)]
    open_ = [each for each in unconfirmed if _line(each) not in judged]
    print(f"\n{queries} queries, {left_out} of them not resolved or not judged")
    print(f"recall {recall:.1%}: {found} of {found + missed} edges that data show")
    print(f"edges that no change confirms: {len(unconfirmed)}, not judged: {len(open_)}")
    whole = 1 - left_out / queries
    bad = min(recall, whole) < _LEAST_RECALL or open_ or scores["traps"].missed
    sys.exit(1 if bad else 0)


def _score(corpus: Corpus) -> Score:
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


def _judgements() -> set[str]:
    """Edges that somebody looked at, each with a reason."""
    lines = _JUDGEMENTS.read_text("utf-8").splitlines()
    return {line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()}


def _line(each: tuple[str, Edge]) -> str:
    name, (output, source) = each
    return f"{name} {output} <- {source}"


def _print(name: str, score: Score, judged: set[str]) -> None:
    print(f"\n{name}: {score.queries} queries, {len(score.found)} edges found and confirmed")
    for query, reason in score.left_out.items():
        print(f"  left out  {query}: {reason}")
    for each in sorted(score.missed):
        print(f"  missed    {_line(each)}")
    for each in sorted(score.unconfirmed):
        print(f"  {'judged  ' if _line(each) in judged else 'open    '}  {_line(each)}")


if __name__ == "__main__":
    main()
