"""Measure Headwater beside a bare FastAPI route, in one run: ``python -m benchmarks.run``.

One client, one worker, keep-alive, SQLite with ``synchronous=FULL``. Rounds of the bare route and
of each case alternate, so that a machine whose speed drifts bends both alike: ratios count.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.client import RawClient
from benchmarks.data import ME, MODELS, NODES, SCHEMA, fill, model
from headwater.catalog import CatalogService, TokenService
from headwater.lineage import LineageService, derive
from headwater.store import Store, open_store

Sends = Callable[[RawClient, int], list[bytes]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing measured: how many requests a round has, and what is aimed at."""

    name: str
    each: int
    sends: Sends
    aim: str
    status: int = 200


def get(client: RawClient, round_: int) -> list[bytes]:
    """Models by name, another one every time."""
    names = [f"headwater.model_{(round_ * 977 + n * 131) % MODELS:05}" for n in range(400)]
    return [client.request("GET", f"/api/v1/mlmodels/name/{name}") for name in names]


def create(client: RawClient, round_: int) -> list[bytes]:
    """New models."""
    bodies = [json.dumps(model(f"new_{round_}_{n}")).encode() for n in range(100)]
    return [client.request("POST", "/api/v1/mlmodels", body) for body in bodies]


def page(client: RawClient, round_: int) -> list[bytes]:
    """The first page of 100 models."""
    del round_
    return [client.request("GET", "/api/v1/mlmodels?limit=100")] * 60


def walk(client: RawClient, round_: int) -> list[bytes]:
    """Three hops both ways from another table every time."""
    tables = [(round_ * 613 + n * 977) % (NODES // 2) + NODES // 4 for n in range(40)]
    query = "upstream=3&downstream=3"
    path = f"/api/v1/lineage/table/name/{SCHEMA}.node_"
    return [client.request("GET", f"{path}{table:05}?{query}") for table in tables]


CASES = [
    Case("get by name", 400, get, "50 % of bare"),
    Case("create (2 KB, 3 features, 6 sources)", 100, create, "15 % of bare", status=201),
    Case("page of 100", 60, page, "15 % of bare"),
    Case("3 hops both ways, 100,000 edges", 40, walk, "p95 12 ms"),
]


def main() -> int:
    """Run every case and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each case")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--sign-in", action="store_true", help="send a token with every request")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        with closing(open_store(str(path))) as store:
            start = time.perf_counter()
            fill(store)
            token = make_token(store) if options.sign_in else ""
            print(f"catalog filled in {time.perf_counter() - start:.1f} s")
        with servers(path) as (bare, ours):
            figures = measure(bare, ours, options.rounds, token=token)
        with closing(open_store(str(path))) as store:
            inside = breakdown(store)
    show(figures, inside)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "inside": inside}, indent=1))
    return 0


@contextmanager
def closing(store: Store) -> Iterator[Store]:
    """The store, closed at the end."""
    yield store
    store.close()


@contextmanager
def servers(path: Path) -> Iterator[tuple[int, int]]:
    """Both servers on free ports of loopback, stopped at the end."""
    ports = free_port(), free_port()
    root = Path(__file__).resolve().parent
    commands = [
        [sys.executable, str(root / "bare.py"), str(ports[0])],
        [sys.executable, "-m", "headwater", "serve", "--store", str(path), "--port", str(ports[1])],
    ]
    started = [subprocess.Popen(c, stdout=subprocess.DEVNULL, env=os.environ) for c in commands]
    try:
        for port in ports:
            wait_for(port)
        yield ports
    finally:
        for process in started:
            process.terminate()
            process.wait(10)


def free_port() -> int:
    """A port of loopback that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when something listens on the port.

    Raises:
        TimeoutError: Nothing does within 30 seconds.
    """
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"no server on port {port}")


def make_token(store: Store) -> str:
    """Turn sign-in on; return the secret of an editor's token."""
    tokens = TokenService(store, CatalogService(store))
    return tokens.create("bench", role="editor", actor=ME).secret


def measure(bare_port: int, port: int, rounds: int, *, token: str) -> list[dict[str, Any]]:
    """Alternate rounds of the bare route and of each case; the first round warms up."""
    figures = []
    with RawClient(bare_port) as bare, RawClient(port, token=token) as client:
        plain = [bare.request("GET", "/bare")] * 400
        for case in CASES:
            ratios, times, plain_times, size = [], [], [], 0
            for round_ in range(rounds + 1):
                base = bare.timed(plain)
                requests = case.sends(client, round_)
                ours = client.timed(requests, status=(case.status,))
                if round_:
                    ratios.append(statistics.mean(base) / statistics.mean(ours))
                    times += ours
                    plain_times += base
                else:
                    size = len(client.send(requests[-1])[1]) if case.status == 200 else 0
            times.sort()
            figures.append(
                {
                    "case": case.name,
                    "aim": case.aim,
                    "percentOfBare": round(100 * statistics.median(ratios), 1),
                    "bareP50Us": round(statistics.median(plain_times) * 1e6),
                    "p50Us": round(statistics.median(times) * 1e6),
                    "p95Us": round(times[int(len(times) * 0.95)] * 1e6),
                    "requestsPerSecond": round(1 / statistics.mean(times)),
                    "answerBytes": size,
                }
            )
    return figures


def breakdown(store: Store) -> dict[str, int]:
    """Microseconds (median) of the layers below HTTP, in process: where the time goes."""
    catalog, lineage = CatalogService(store, derive=derive), LineageService(store)
    numbers = iter(range(10**9))
    tables = [f"table:{SCHEMA}.node_{n:05}" for n in range(NODES // 4, NODES // 4 + 40)]
    commits: list[float] = []
    real_commit = store.commit

    def timed_commit(write_set: Any) -> int:
        start = time.perf_counter()
        seq = real_commit(write_set)
        commits.append(time.perf_counter() - start)
        return seq

    store.commit = timed_commit  # type: ignore[method-assign]  # timing only
    out = {
        "store.find by name": median_us(
            lambda: store.find(("mlmodel", f"headwater.model_{next(numbers) % MODELS:05}")), 2000
        ),
        "catalog.create": median_us(
            lambda: catalog.create("mlmodel", model(f"in_{next(numbers)}"), actor=ME), 300
        ),
        "of which store.commit (with fsync)": round(statistics.median(commits) * 1e6),
        "catalog.list of 100": median_us(lambda: catalog.list("mlmodel", limit=100), 100),
        "lineage.walk 3 + 3 hops": median_us(
            lambda: lineage.walk(tables[next(numbers) % 40], upstream=3, downstream=3), 40
        ),
    }
    store.commit = real_commit  # type: ignore[method-assign]  # as it was
    return out


def median_us(call: Callable[[], object], times: int) -> int:
    """Median duration of a call in microseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return round(statistics.median(taken) * 1e6)


def show(figures: list[dict[str, Any]], inside: dict[str, int]) -> None:
    """Print both tables."""
    print(f"\n{'':38}{'of bare':>8}{'p50':>9}{'p95':>9}{'per s':>8}{'answer':>9}   aim")
    for f in figures:
        print(
            f"{f['case']:38}{f['percentOfBare']:>6} %{f['p50Us']:>6} µs{f['p95Us']:>6} µs"
            f"{f['requestsPerSecond']:>8}{f['answerBytes'] / 1000:>6.0f} kB   {f['aim']}"
        )
    bare = statistics.median(f["bareP50Us"] for f in figures)
    print(f"bare FastAPI route, 2 KB: p50 {bare:.0f} µs\n\nbelow HTTP, in process, median:")
    for name, value in inside.items():
        print(f"  {name:38}{value:>7} µs")


if __name__ == "__main__":
    sys.exit(main())
