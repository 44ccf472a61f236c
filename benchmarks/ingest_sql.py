"""How long PostgreSQL takes into a catalog: ``python -m benchmarks.ingest_sql [--profile]``.

2,000 tables of 20 columns and 500 views over them go into SQLite, over HTTP and in process, twice.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from benchmarks.server import servers
from headwater import Headwater
from headwater.connectors.report import Report
from headwater.connectors.sql import ingest
from tests.clients.postgres import Postgres, postgres

TABLES, COLUMNS, VIEWS, PER_SCHEMA = 2000, 20, 500, 500
_TYPES = ("integer", "text", "numeric(12,2)", "timestamptz", "text[]", "jsonb", "varchar(40)")


def fill(server: Postgres) -> None:
    """Make the tables, each with a key and a comment, and views that join two of them."""
    columns = ", ".join(f"c{n} {_TYPES[n % len(_TYPES)]}" for n in range(1, COLUMNS))
    script = [f"CREATE SCHEMA s{n}" for n in range(TABLES // PER_SCHEMA)]
    for n in range(TABLES):
        table = f"s{n // PER_SCHEMA}.t{n}"
        script.append(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {columns})")
        script.append(f"COMMENT ON TABLE {table} IS 'table {n}'")
    for n in range(VIEWS):
        a, b = (f"s{each // PER_SCHEMA}.t{each}" for each in (2 * n, 3 * n))
        outputs = ", ".join(f"a.c{k}" for k in range(1, 9))
        script.append(
            f"CREATE VIEW s{n % (TABLES // PER_SCHEMA)}.v{n} AS"
            f" WITH part AS (SELECT id, sum(c7) AS total FROM {b} GROUP BY id)"
            f" SELECT a.id, {outputs}, a.c7 + part.total AS plus FROM {a} a"
            " JOIN part ON part.id = a.id WHERE a.c2 > 0"
        )
    with server.connect() as connection:
        for statement in script:
            connection.execute(statement.encode())


def timed(what: str, run: Callable[[], Report]) -> None:
    """Print how long a run took, and what it did."""
    wall, cpu = time.perf_counter(), time.process_time()
    report = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall:.1f} s, of them {cpu:.1f} s of this process's CPU\n  {report.lines()[0]}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="where the time of the client goes")
    profile = cProfile.Profile() if parser.parse_args().profile else None
    with postgres() as server, tempfile.TemporaryDirectory() as folder:
        fill(server)
        url = server.url("postgres")
        command = [sys.executable, "-m", "headwater", "serve", "--store", "headwater.db", "--port"]
        with servers([command], [Path(folder)]) as (http,):
            for nth in ("first", "second"):
                with Headwater(f"http://127.0.0.1:{http.port}") as hw, profile or nullcontext():
                    timed(f"HTTP, {nth} run", lambda: ingest(hw, url))
                print(f"  server's CPU so far: {http.cpu_seconds():.1f} s")
        for nth in ("first", "second"):
            with Headwater.open(Path(folder) / "other.db") as hw:
                timed(f"in process, {nth} run", lambda: ingest(hw, url))
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main()
