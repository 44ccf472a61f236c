"""A process of its own that writes to an SQLite store; ``test_sqlite.py`` starts and kills it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count as count_from

from headwater.errors import ConflictError
from headwater.store.base import Commit, Record, Row, StateRow, Store
from headwater.store.factory import open_store
from headwater.testing.store_build import NOON, entity, event, writes


def count(store: Store, times: int) -> None:
    """Add to the counter that other processes add to as well."""
    done = 0
    while done < times:
        found = store.find("table-counter")
        rev, value = (found.rev, int(found.document)) if found else (0, 0)
        new = entity("counter", expected_rev=rev, document=str(value + 1))
        try:
            store.commit(writes(new, events=(event(new.id),)))
        except ConflictError:
            continue
        done += 1


def go_on(store: Store) -> None:
    """Commit until killed, and say each commit's number once it is acknowledged."""
    while True:
        name = f"n{store.sequence() + 1}"
        seq = store.commit(writes(entity(name), events=(event(f"table-{name}"),)))
        sys.stdout.write(f"{seq}\n")
        sys.stdout.flush()


def load(store: Store) -> None:
    """Load more and more of one entity's past, and say when the transaction is large."""

    def rows() -> Iterator[Row]:
        yield Commit(1, NOON, "ada", "person", None)
        for rev in count_from(1):
            document = "x" * 1_000_000
            past = Record("a", "table", "a", "a", None, "0.1", rev, 1, False, document, "{}")
            yield StateRow(past, None)
            if rev == 100:
                sys.stdout.write("loading\n")
                sys.stdout.flush()

    store.load(rows())


if __name__ == "__main__":
    url, times = sys.argv[1:]
    if times == "forever":
        go_on(open_store(url))
    elif times == "load":
        load(open_store(url))
    else:
        count(open_store(url), int(times))
