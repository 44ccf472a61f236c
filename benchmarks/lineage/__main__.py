"""Judge the SQL connector's column lineage by data: ``python -m benchmarks.lineage``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.lineage.corpus import tpc, traps
from benchmarks.lineage.oracle import Edge
from benchmarks.lineage.score import Score, score_of

_JUDGEMENTS = Path(__file__).with_name("judgements.txt")
_LEAST_RECALL = 0.95


def main() -> None:
    """Print the figures; exit with 1 when they are too low, or an edge is not accounted for."""
    judged = _judgements()
    scores = {}
    for make in (traps, lambda: tpc("tpc-h"), lambda: tpc("tpc-ds")):
        corpus = make()
        scores[corpus.name] = score_of(corpus)
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
