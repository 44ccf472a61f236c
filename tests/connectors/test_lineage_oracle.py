"""Column lineage of our own traps, judged by data; ``make bench-lineage`` asks the same of more."""

from __future__ import annotations

import pytest

from benchmarks.lineage.corpus import traps
from benchmarks.lineage.oracle import Oracle
from benchmarks.lineage.score import score_of


def test_data_confirm_every_edge_of_the_traps_and_show_no_other() -> None:
    score = score_of(traps())
    assert score.left_out == {}
    assert score.missed == set()
    assert score.unconfirmed == set()
    assert len(score.found) > score.queries


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT total FROM orders WHERE note = 'o1'", {"orders.total"}),
        ("SELECT sum(o.total) FROM orders o JOIN people p ON p.id = o.who", {"orders.total"}),
        ("SELECT count(*) FROM orders GROUP BY note", set()),
        ("SELECT count(*) FROM (SELECT total FROM orders WHERE note = 'o1')", set()),
        ("SELECT count(*) FROM (SELECT DISTINCT who FROM orders WHERE note = 'o1')", set()),
        ("SELECT total FROM orders WHERE who IN (SELECT id FROM people)", {"orders.total"}),
        ("SELECT name FROM people UNION SELECT note FROM orders", {"people.name", "orders.note"}),
        ("SELECT DISTINCT city FROM people ORDER BY city LIMIT 2", {"people.city"}),
    ],
)
def test_what_only_chooses_rows_is_no_value(sql: str, expected: set[str]) -> None:
    found = Oracle(traps()).ask(sql, ["x"]).edges
    assert {source for _, source in found} == expected
