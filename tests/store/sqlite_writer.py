"""A process of its own that writes to an SQLite store; ``test_sqlite.py`` starts and kills it."""

from __future__ import annotations

import sys

from headwater.errors import ConflictError
from headwater.store.base import Store
from headwater.store.factory import open_store
from headwater.testing.store_build import entity, event, writes


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


if __name__ == "__main__":
    url, times = sys.argv[1:]
    if times == "forever":
        go_on(open_store(url))
    else:
        count(open_store(url), int(times))
